{# Each step of a month by every unit of counting, with its names. #}
with

    grains as (select * from {{ ref("fct_funnel_grains") }}),

    steps as (
        select
            step_id,
            max(step_rank) as step_rank,
            max(name_ja) as name_ja,
            max(name_en) as name_en
        from {{ ref("funnel_steps") }}
        group by step_id
    )

select
    grains.funnel_grain_id,
    grains.month,
    grains.step_id,
    cast(steps.step_rank as integer) as step_rank,
    steps.name_ja as step_name_ja,
    steps.name_en as step_name_en,
    grains.grain,
    grains.grain_rank,
    grains.subjects
from grains
inner join steps on grains.step_id = steps.step_id
