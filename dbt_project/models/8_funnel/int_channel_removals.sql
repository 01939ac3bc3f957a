{#
  The removal effect of each channel (Anderl et al. 2016): all paths make a chain from channel to channel that ends in an
  outcome or in none; without a channel, all that went into it is lost. The chain is solved exactly, by taking its states
  out one after the other (Gauss): whoever would pass the state goes on to where it leads. Of more than 24 channels the
  rarest are one state. One row per kind of outcome and channel.
#}
{%- set states = 24 %}
with

    touchpoints as (select * from {{ ref("int_touchpoints") }}),

    opportunities as (select * from {{ ref("fct_opportunities") }}),

    orders as (select * from {{ ref("fct_orders") }}),

    kinds as (
        select 'opportunity' as outcome_kind
        union all
        select 'order' as outcome_kind
    ),

    outcomes as (
        select 'opportunity' as outcome_kind, person_id, min(created_at) as happened_at
        from opportunities
        where person_id is not null
        group by person_id
        union all
        select 'order', person_id, min(ordered_at)
        from orders
        where person_id is not null
        group by person_id
    ),

    channels as (
        select
            channel,
            least(
                row_number() over (order by count(*) desc, channel), {{ states }}
            ) as state
        from touchpoints
        group by channel
    ),

    -- as far back as the company looks: from the outcome, or from the as-of day where
    -- there is none
    steps as (
        select
            kinds.outcome_kind,
            touchpoints.person_id,
            channels.state,
            outcomes.person_id is not null as is_converted,
            row_number() over (
                partition by kinds.outcome_kind, touchpoints.person_id
                order by touchpoints.touched_at, touchpoints.touchpoint_id
            ) as place,
            row_number() over (
                partition by kinds.outcome_kind, touchpoints.person_id
                order by touchpoints.touched_at desc, touchpoints.touchpoint_id desc
            ) as place_from_end
        from touchpoints
        inner join channels on touchpoints.channel = channels.channel
        cross join kinds
        left join
            outcomes
            on touchpoints.person_id = outcomes.person_id
            and kinds.outcome_kind = outcomes.outcome_kind
        where
            touchpoints.touched_at <= coalesce(outcomes.happened_at, {{ as_of_end() }})
            and touchpoints.touched_at
            > {{
                dbt.dateadd(
                    "day",
                    -var("look_back_days"),
                    "coalesce(outcomes.happened_at, " ~ as_of_end() ~ ")",
                )
            }}
    ),

    -- 0 is the start and -1 the outcome; a path without one just ends
    moves as (
        select
            outcome_kind,
            case
                when place = 1
                then 0
                else
                    lag(state) over (
                        partition by outcome_kind, person_id order by place
                    )
            end as from_state,
            state as to_state
        from steps
        union all
        select outcome_kind, state, case when is_converted then -1 else -2 end
        from steps
        where place_from_end = 1
    ),

    chances as (
        select
            outcome_kind,
            from_state,
            to_state,
            cast(count(*) as double)
            / sum(count(*)) over (partition by outcome_kind, from_state) as chance
        from moves
        group by outcome_kind, from_state, to_state
    ),

    -- the same chain without each state in turn (removed = -9: the whole chain)
    removals as (
        select -9 as removed
        union all
        select distinct state as removed
        from channels
    ),

    rows_of_chain as (
        select 0 as from_state
        union all
        select distinct state as from_state
        from channels
    ),

    columns_of_chain as (
        select -1 as to_state
        union all
        select distinct state as to_state
        from channels
    ),

    solved_0 as (
        select
            kinds.outcome_kind,
            removals.removed,
            rows_of_chain.from_state,
            columns_of_chain.to_state,
            case
                when
                    columns_of_chain.to_state = removals.removed
                    or rows_of_chain.from_state = removals.removed
                then cast(0 as double)
                else coalesce(chances.chance, cast(0 as double))
            end as chance
        from kinds
        cross join removals
        cross join rows_of_chain
        cross join columns_of_chain
        left join
            chances
            on kinds.outcome_kind = chances.outcome_kind
            and rows_of_chain.from_state = chances.from_state
            and columns_of_chain.to_state = chances.to_state
    ),

    {%- for state in range(1, states + 1) %}
        solved_{{ state }} as {{ computed_once() }} (
            select
                outcome_kind,
                removed,
                from_state,
                to_state,
                chance + coalesce(
                    max(case when to_state = {{ state }} then chance end) over (
                        partition by outcome_kind, removed, from_state
                    ) * max(case when from_state = {{ state }} then chance end) over (
                        partition by outcome_kind, removed, to_state
                    )
                    / nullif(
                        1 - max(
                            case
                                when from_state = {{ state }} and to_state = {{ state }}
                                then chance
                            end
                        ) over (partition by outcome_kind, removed),
                        0
                    ),
                    0
                ) as chance
            from solved_{{ state - 1 }}
            where
                from_state <> {{ state - 1 }}
                and to_state <> {{ state - 1 }}
                or {{ state }} = 1
        ),
    {%- endfor %}

    solved as (
        select outcome_kind, removed, chance
        from solved_{{ states }}
        where from_state = 0 and to_state = -1
    )

select
    solved.outcome_kind,
    channels.channel,
    cast(channels.state as integer) as state,
    whole.chance as chance_of_whole,
    solved.chance as chance_without,
    cast(
        coalesce(1 - solved.chance / nullif(whole.chance, 0), 0) as decimal(18, 12)
    ) as removal_effect
from solved
inner join channels on solved.removed = channels.state
inner join
    solved as whole on solved.outcome_kind = whole.outcome_kind and whole.removed = -9
