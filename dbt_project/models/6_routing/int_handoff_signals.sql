with

    clocks as (select * from {{ ref("int_handoff_clocks") }}),

    routes as (select * from {{ ref("fct_lead_routes") }}),

    deeds as (select * from {{ ref("int_sales_deeds") }}),

    days as (select * from {{ ref("int_business_days") }}),

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
