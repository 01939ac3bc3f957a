with

    touches as (select * from {{ ref("fct_touches") }}),

    activities as (select * from {{ ref("stg_crm__activities") }}),

    owners as (select * from {{ ref("stg_crm__owners") }}),

    people as (select * from {{ ref("dim_people") }}),

    handoff_signals as (
        select *
        from {{ ref("handoff_signals") }}
        where evidence = 'touch' and signal = 'contacted'
    ),

    unit_contacts as (
        select
            touches.touch_id,
            owners.unit_id,
            activities.owner_id,
            touches.person_id,
            people.company_id,
            people.department_category,
            touches.occurred_at as contacted_at
        from touches
        inner join
            handoff_signals on touches.touch_type = handoff_signals.evidence_value
        inner join activities on touches.row_key = activities.row_key
        inner join owners on activities.owner_id = owners.owner_id
        inner join people on touches.person_id = people.person_id
        where touches.source = 'crm'
    )

select *
from unit_contacts
