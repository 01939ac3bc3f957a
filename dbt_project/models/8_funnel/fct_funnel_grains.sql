{# G07: each step of a month counted by every department's unit; units that a step does not have count 0. #}
{%- set grains = {
    "session": "session_id",
    "visitor_day": "visitor_day",
    "visitor": "visitor_id",
    "person": "person_id",
    "company": "company_id",
} %}
with

    deeds as (select * from {{ ref("int_funnel_deeds") }}),

    counted as (
        {%- for grain, key in grains.items() %}
            select
                month,
                step_id,
                '{{ grain }}' as grain,
                {{ loop.index }} as grain_rank,
                count(distinct {{ key }}) as subjects
            from deeds
            group by month, step_id
            {% if not loop.last %}
                union all
            {% endif %}
        {%- endfor %}
    )

select
    {{ surrogate_key(["month", "step_id", "grain"]) }} as funnel_grain_id,
    month,
    step_id,
    grain,
    cast(grain_rank as integer) as grain_rank,
    cast(subjects as bigint) as subjects
from counted
