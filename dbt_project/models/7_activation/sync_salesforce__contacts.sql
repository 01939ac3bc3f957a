{# SY05: people of companies that have bought are contacts there, no leads; what the org knows of them stays its own. #}
with

    people as (select * from {{ ref("dim_people") }}),

    tier_history as (
        select *
        from {{ ref("fct_tier_history") }}
        where valid_to is null and tier in ('existing', 'loyal')
    ),

    checks as (select * from {{ ref("int_contact_checks") }} where purpose = 'sales'),

    contacts as (
        select
            people.person_id as sync_key,
            people.person_id,
            coalesce(people.display_name, people.email, people.person_id) as party_name,
            people.email,
            people.department,
            people.position,
            people.phone,
            tier_history.tier,
            checks.consent_status,
            checks.is_suppressed,
            checks.suppression_reason,
            checks.checks_passed
        from tier_history
        inner join people on tier_history.person_id = people.person_id
        inner join checks on people.person_id = checks.person_id
    )

select *
from contacts
