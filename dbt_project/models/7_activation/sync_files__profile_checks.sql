{# FR01: whom to ask this month whether what we know is still right, with what we know, for the form of the member page. #}
with

    people as (
        select *
        from {{ ref("dim_people") }}
        where is_due_for_check and email is not null and not is_internal
    ),

    attributes as (
        select *
        from {{ ref("person_attributes") }}
        where is_winner and is_due_for_check
    ),

    gaps as (
        select *
        from {{ ref("lead_gaps") }}
        where gap = 'never_told' and ask_by = 'form'
    ),

    checks as (select * from {{ ref("int_contact_checks") }} where purpose = 'profile'),

    due as (
        select
            person_id,
            {{ text_list("attribute", ",", "attribute") }} as check_attributes
        from attributes
        group by person_id
    ),

    -- Few questions at a time: a form that asks for everything is closed.
    missing as (
        select
            person_id, {{ text_list("attribute", ",", "ask_order") }} as ask_attributes
        from gaps
        where ask_order <= 3
        group by person_id
    )

select
    people.person_id as sync_key,
    people.person_id,
    people.email,
    people.display_name,
    people.company_name,
    people.department,
    people.position,
    people.phone,
    due.check_attributes,
    missing.ask_attributes,
    checks.consent_status,
    checks.is_suppressed,
    checks.suppression_reason,
    checks.checks_passed
from people
inner join due on people.person_id = due.person_id
inner join checks on people.person_id = checks.person_id
left join missing on people.person_id = missing.person_id
