{# LM05, SY04: whom the mail tool writes to next, with what; one row a person, so that a tool can keep its list equal to it. #}
with

    decisions as (
        select *
        from {{ ref("fct_scenario_decisions") }}
        where channel = 'email' and action = 'send_mail'
    ),

    people as (select * from {{ ref("dim_people") }} where email is not null),

    interests as (
        select *
        from {{ ref("fct_lead_interests") }}
        where interest_kind = 'product' and interest_rank = 1
    ),

    scores as (select * from {{ ref("fct_lead_scores") }}),

    checks as (select * from {{ ref("int_contact_checks") }} where purpose = 'mail'),

    audience as (
        select
            people.person_id as sync_key,
            people.person_id,
            people.email,
            people.display_name,
            people.company_name,
            decisions.segment_id,
            decisions.scenario_id,
            decisions.content,
            decisions.tier,
            decisions.state,
            scores.grade,
            interests.interest_id as top_product,
            checks.consent_status,
            checks.is_suppressed,
            checks.suppression_reason,
            checks.checks_passed
        from decisions
        inner join people on decisions.person_id = people.person_id
        inner join checks on people.person_id = checks.person_id
        left join interests on people.person_id = interests.person_id
        left join scores on people.person_id = scores.person_id
    )

select *
from audience
