with

    routes as (select * from {{ ref("fct_lead_routes") }}),

    sales_units as (select * from {{ ref("sales_units") }}),

    days as (select * from {{ ref("int_business_days") }}),

    parameters as (select * from {{ ref("routing_parameters") }}),

    placed as (
        select
            routes.route_id,
            sales_units.calendar_id,
            routes.routed_at,
            {{ working_seconds("days", "routes.routed_at") }} as working_seconds,
            {{ working_seconds("closing", as_of_end()) }} as working_seconds_now
        from routes
        inner join sales_units on routes.owner_unit_id = sales_units.unit_id
        inner join
            days
            on sales_units.calendar_id = days.calendar_id
            and {{ local_date("routes.routed_at") }} = days.day
        inner join
            days as closing
            on sales_units.calendar_id = closing.calendar_id
            and {{ as_of_date() }} = closing.day
    ),

    -- the two promises as places in working time
    promised as (
        select
            placed.*,
            placed.working_seconds + may_act.amount * 3600 as may_act_place,
            placed.working_seconds + contact.amount * 3600 as contact_due_place
        from placed
        inner join
            parameters as may_act on may_act.parameter = 'may_act_after_business_hours'
        inner join
            parameters as contact on contact.parameter = 'contact_within_business_hours'
    ),

    -- Which working day a place falls on, found by sorting days and places together:
    -- the last day that had begun before it. A join on the range would meet every day
    -- of the calendar with every route, twice.
    places as (
        select
            calendar_id,
            seconds_before as place,
            1 as turn,
            opens_at,
            cast(null as {{ dbt.type_string() }}) as route_id,
            cast(null as {{ dbt.type_string() }}) as promise
        from days
        where open_seconds > 0
        union all
        select calendar_id, may_act_place, 0, null, route_id, 'may_act'
        from promised
        union all
        select calendar_id, contact_due_place, 0, null, route_id, 'contact'
        from promised
    ),

    places_on_days as (
        select
            route_id,
            promise,
            place,
            max(opens_at) over begun as opens_at,
            max(case when turn = 1 then place end) over begun as seconds_before
        from places
        window
            begun as (
                partition by calendar_id
                order by place, turn
                rows between unbounded preceding and current row
            )
    ),

    moments as (
        select
            route_id,
            promise,
            {{ moment_at_working_seconds("places_on_days", "places_on_days.place") }}
            as moment
        from places_on_days
        where route_id is not null
    ),

    clocks as (
        select
            promised.route_id,
            promised.calendar_id,
            promised.routed_at,
            promised.working_seconds,
            promised.working_seconds_now,
            promised.contact_due_place,
            acting.moment as may_act_from,
            contacting.moment as contact_due_at
        from promised
        inner join
            moments as acting
            on promised.route_id = acting.route_id
            and acting.promise = 'may_act'
        inner join
            moments as contacting
            on promised.route_id = contacting.route_id
            and contacting.promise = 'contact'
    )

select *
from clocks
