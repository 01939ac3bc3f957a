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

    clocks as (
        select
            promised.route_id,
            promised.calendar_id,
            promised.routed_at,
            promised.working_seconds,
            promised.working_seconds_now,
            promised.contact_due_place,
            {{ moment_at_working_seconds("acting", "promised.may_act_place") }}
            as may_act_from,
            {{ moment_at_working_seconds("contacting", "promised.contact_due_place") }}
            as contact_due_at
        from promised
        inner join
            days as acting
            on promised.calendar_id = acting.calendar_id
            and promised.may_act_place > acting.seconds_before
            and promised.may_act_place <= acting.seconds_before + acting.open_seconds
        inner join
            days as contacting
            on promised.calendar_id = contacting.calendar_id
            and promised.contact_due_place > contacting.seconds_before
            and promised.contact_due_place
            <= contacting.seconds_before + contacting.open_seconds
    )

select *
from clocks
