with

    routes as (select * from {{ ref("fct_lead_routes") }}),

    touches as (select * from {{ ref("fct_touches") }}),

    handoff_states as (select * from {{ ref("handoff_states") }}),

    parameters as (select * from {{ ref("routing_parameters") }}),

    -- a deed noted with its day only stands at midnight; on the day of routing it came
    -- after it
    deeds_after_routing as (
        select
            routes.route_id,
            handoff_states.state,
            case
                when touches.occurred_at < routes.routed_at
                then routes.routed_at
                else touches.occurred_at
            end as done_at
        from routes
        inner join touches on routes.person_id = touches.person_id
        inner join handoff_states on touches.touch_type = handoff_states.touch_type
        where
            touches.occurred_at >= routes.routed_at
            or touches.occurred_at = {{ day_begins_at(local_date("routes.routed_at")) }}
    ),

    deeds_summed as (
        select
            route_id,
            min(case when state = 'contacted' then done_at end) as first_contact_at,
            min(
                case when state = 'qualified' then done_at end
            ) as opportunity_created_at
        from deeds_after_routing
        group by route_id
    ),

    handoffs as (
        select
            routes.route_id,
            routes.person_id,
            routes.owner_unit_id,
            case
                when deeds_summed.opportunity_created_at is not null
                then 'qualified'
                when deeds_summed.first_contact_at is not null
                then 'contacted'
                else 'routed'
            end as state,
            routes.routed_at,
            deeds_summed.first_contact_at,
            deeds_summed.opportunity_created_at,
            -- a deal in the sales tool proves a contact that nobody noted down
            coalesce(deeds_summed.first_contact_at, deeds_summed.opportunity_created_at)
            is null
            and {{ seconds_between("routes.routed_at", as_of_end()) }}
            > parameters.amount * 3600 as is_overdue,
            cast(
                {{
                    seconds_between(
                        "routes.routed_at", "deeds_summed.first_contact_at"
                    )
                }} / 3600.0 as decimal(18, 2)
            ) as hours_to_contact
        from routes
        inner join parameters on parameters.parameter = 'contact_within_hours'
        left join deeds_summed on routes.route_id = deeds_summed.route_id
    )

select *
from handoffs
