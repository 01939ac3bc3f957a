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

    consents as (select * from {{ ref("lead_consents") }} where channel = 'email'),

    addresses as (select * from {{ ref("int_addresses_failing") }}),

    blocks as (select * from {{ ref("int_mail_blocks") }}),

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
    coalesce(consents.status, 'unknown') as consent_status,
    coalesce(consents.status, 'unknown') = 'denied'
    or blocks.block_id is not null
    or addresses.reason is not null as is_suppressed,
    case
        when consents.status = 'denied'
        then 'consent denied'
        when blocks.block_id is not null
        then 'do not contact ' || blocks.block_id
        when addresses.reason is not null
        then 'address ' || addresses.reason
    end as suppression_reason
from people
inner join due on people.person_id = due.person_id
left join missing on people.person_id = missing.person_id
left join consents on people.person_id = consents.person_id
left join addresses on people.email = addresses.email
left join blocks on people.person_id = blocks.person_id
