{%- set moves = handoff_moves() %}

with

    routes as (select * from {{ ref("fct_lead_routes") }}),

    clocks as (select * from {{ ref("int_handoff_clocks") }}),

    starts as (select * from {{ ref("int_handoff_starts") }}),

    signals as (select * from {{ ref("int_handoff_signals") }}),

    states as (select * from {{ ref("handoff_states") }}),

    sales_units as (select * from {{ ref("sales_units") }}),

    days as (select * from {{ ref("int_business_days") }}),

    transitions as (
        select *
        from {{ ref("handoff_transitions") }}
        where protocol_id = '{{ var("handoff_protocol", "agreed") }}'
    ),

    -- whom sales has at hand already is not handed over anew
    step_0 as (
        select
            clocks.route_id,
            0 as step,
            cast(null as {{ dbt.type_string() }}) as from_state,
            coalesce(starts.starts_as, 'routed') as state,
            'routing' as moved_by,
            clocks.working_seconds,
            clocks.routed_at as entered_at
        from clocks
        left join starts on clocks.route_id = starts.route_id
    ),
    {% for step in range(1, moves + 1) %}
        step_{{ step }} as (
            {{
                handoff_step(
                    "step_" ~ (step - 1),
                    "signals",
                    "transitions",
                    "clocks",
                    "days",
                    step,
                )
            }}
        ),
    {% endfor %}

    all_steps as (
        {% for step in range(moves + 1) %}
            select *
            from step_{{ step }}
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    handoff_transitions as (
        select
            all_steps.route_id,
            cast(all_steps.step as integer) as step,
            all_steps.from_state,
            all_steps.state as to_state,
            all_steps.entered_at as moved_at,
            all_steps.moved_by,
            states.accountable as accountable_role,
            case
                states.accountable
                when 'owner'
                then routes.owner_unit_id
                when 'escalation'
                then coalesce(sales_units.escalates_to, routes.owner_unit_id)
                else 'marketing'
            end as accountable_unit_id,
            cast(all_steps.working_seconds as bigint) as working_seconds
        from all_steps
        inner join routes on all_steps.route_id = routes.route_id
        inner join states on all_steps.state = states.state
        left join sales_units on routes.owner_unit_id = sales_units.unit_id
    )

select *
from handoff_transitions
