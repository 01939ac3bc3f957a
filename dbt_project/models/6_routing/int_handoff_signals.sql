with

    clocks as (select * from {{ ref("int_handoff_clocks") }}),

    routes as (select * from {{ ref("fct_lead_routes") }}),

    touches as (select * from {{ ref("fct_touches") }}),

    activities as (select * from {{ ref("stg_crm__activities") }}),

    lead_changes as (select * from {{ ref("stg_crm__lead_changes") }}),

    owners as (select * from {{ ref("stg_crm__owners") }}),

    identifiers as (select * from {{ ref("person_identifiers") }}),

    handoff_signals as (select * from {{ ref("handoff_signals") }}),

    days as (select * from {{ ref("int_business_days") }}),

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
    ),

    -- a deed noted with its day only stands at midnight; on the day of routing it came
    -- after it
    signalled as (
        select
            routes.route_id,
            clocks.calendar_id,
            deeds.signal,
            case
                when deeds.occurred_at < routes.routed_at
                then routes.routed_at
                else deeds.occurred_at
            end as signalled_at,
            deeds.acting_unit_id
        from routes
        inner join clocks on routes.route_id = clocks.route_id
        inner join deeds on routes.person_id = deeds.person_id
        where
            deeds.occurred_at >= routes.routed_at
            or deeds.occurred_at = {{ day_begins_at(local_date("routes.routed_at")) }}
    ),

    signals as (
        select
            signalled.route_id,
            signalled.signal,
            signalled.signalled_at,
            {{ working_seconds("days", "signalled.signalled_at") }} as working_seconds,
            min(signalled.acting_unit_id) as acting_unit_id
        from signalled
        inner join
            days
            on signalled.calendar_id = days.calendar_id
            and {{ local_date("signalled.signalled_at") }} = days.day
        group by
            signalled.route_id,
            signalled.signal,
            signalled.signalled_at,
            days.seconds_before,
            days.opens_at,
            days.open_seconds
    )

select *
from signals
