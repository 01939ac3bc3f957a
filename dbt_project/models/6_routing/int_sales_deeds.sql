{# What sales people did with a person, and what their tool says of it, in the words of handoff_signals.csv. #}
with

    touches as (select * from {{ ref("fct_touches") }}),

    activities as (select * from {{ ref("stg_crm__activities") }}),

    lead_changes as (select * from {{ ref("stg_crm__lead_changes") }}),

    owners as (select * from {{ ref("stg_crm__owners") }}),

    identifiers as (select * from {{ ref("person_identifiers") }}),

    handoff_signals as (select * from {{ ref("handoff_signals") }}),

    deeds as (
        select
            touches.person_id,
            handoff_signals.signal,
            touches.occurred_at,
            owners.unit_id as acting_unit_id
        from touches
        inner join
            handoff_signals
            on touches.touch_type = handoff_signals.evidence_value
            and handoff_signals.evidence = 'touch'
        left join activities on touches.row_key = activities.row_key
        left join owners on activities.owner_id = owners.owner_id
        where touches.person_id is not null
        union all
        select
            identifiers.person_id,
            handoff_signals.signal,
            lead_changes.updated_at as occurred_at,
            owners.unit_id as acting_unit_id
        from lead_changes
        inner join
            handoff_signals
            on lead_changes.status = handoff_signals.evidence_value
            and handoff_signals.evidence = 'lead_status'
        inner join
            identifiers on 'crm_lead:' || lead_changes.lead_id = identifiers.identifier
        left join owners on lead_changes.owner_id = owners.owner_id
    )

select person_id, signal, occurred_at, min(acting_unit_id) as acting_unit_id
from deeds
group by person_id, signal, occurred_at
