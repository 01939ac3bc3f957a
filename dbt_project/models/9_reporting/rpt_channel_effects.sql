{#
  SC12: what each channel moved: the points that its touches gave before any fading, and the deals and orders that each
  model credits to it. The credits of a model add up to all deals and orders that anything led to.
#}
{%- set models = ["first", "last", "linear", "markov"] %}
with

    points as (
        select * from {{ ref("fct_score_points") }} where score_kind = 'behaviour'
    ),

    touches as (select * from {{ ref("fct_touches") }}),

    attribution as (select * from {{ ref("fct_attribution") }}),

    gained as (
        select
            coalesce(touches.channel, 'unknown') as channel,
            sum(points.nominal_points) as points,
            count(distinct points.person_id) as people
        from points
        inner join touches on points.touch_id = touches.touch_id
        group by 1
    ),

    credited as (
        select
            channel,
            {%- for model in models %}
                {%- for kind in ["opportunity", "order"] %}
                    sum(
                        case
                            when
                                model_id = '{{ model }}' and outcome_kind = '{{ kind }}'
                            then outcomes
                            else 0
                        end
                    ) as {{ kind }}_{{ model }}
                    {%- if not loop.last %}, {% endif %}
                {%- endfor %}
                {%- if not loop.last %}, {% endif %}
            {%- endfor %}
        from attribution
        where channel <> '(none)'
        group by channel
    ),

    channels as (
        select channel
        from gained
        union
        select channel
        from credited
    )

select
    channels.channel,
    cast(coalesce(gained.points, 0) as double) as points,
    cast(coalesce(gained.people, 0) as bigint) as people,
    cast(gained.points as double) / gained.people as points_per_person,
    {%- for model in models %}
        cast(
            coalesce(credited.opportunity_{{ model }}, 0) as double
        ) as opportunities_{{ model }},
        cast(coalesce(credited.order_{{ model }}, 0) as double) as orders_{{ model }}
        {%- if not loop.last %}, {% endif %}
    {%- endfor %}
from channels
left join gained on channels.channel = gained.channel
left join credited on channels.channel = credited.channel
