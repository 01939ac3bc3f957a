{#
  Moonshot 18: for whom there is nothing to read. Where a person stands is the farthest need stage and the highest
  knowledge level of what they read in 90 days; whoever read nothing marked stands at the beginning.
#}
with

    tier_history as (
        select * from {{ ref("fct_tier_history") }} where valid_to is null
    ),

    tiers as (select * from {{ ref("tiers") }}),

    touches as (select * from {{ ref("fct_touches") }}),

    people as (select * from {{ ref("dim_people") }} where not is_internal),

    contents as (
        select content_category, need_stage, knowledge_level
        from {{ ref("content_categories") }}
        where need_stage is not null and knowledge_level is not null
    ),

    buying_stages as (select * from {{ ref("buying_stages") }}),

    read as (
        select
            touches.person_id,
            touches.need_stage,
            touches.knowledge_level,
            buying_stages.stage_number
        from touches
        inner join buying_stages on touches.need_stage = buying_stages.buying_stage
        where
            touches.person_id is not null
            and not touches.is_machine
            and touches.occurred_at >= {{ dbt.dateadd("day", -90, as_of_end()) }}
    ),

    farthest as (
        select
            person_id,
            max(stage_number) as stage_number,
            max(knowledge_level) as knowledge_level
        from read
        group by person_id
    ),

    stages as (
        select distinct contents.need_stage, buying_stages.stage_number
        from contents
        inner join buying_stages on contents.need_stage = buying_stages.buying_stage
        union
        select need_stage, stage_number
        from read
    ),

    levels as (
        select knowledge_level
        from contents
        union
        select knowledge_level
        from farthest
        where knowledge_level is not null
    ),

    standing as (
        select
            tier_history.tier,
            coalesce(
                farthest.stage_number, (select min(stage_number) from stages)
            ) as stage_number,
            coalesce(
                farthest.knowledge_level, (select min(knowledge_level) from levels)
            ) as knowledge_level,
            count(*) as people,
            count(farthest.person_id) as readers
        from tier_history
        inner join people on tier_history.person_id = people.person_id
        left join farthest on tier_history.person_id = farthest.person_id
        group by 1, 2, 3
    ),

    supply as (
        select need_stage, knowledge_level, count(distinct content_category) as contents
        from contents
        group by need_stage, knowledge_level
    ),

    views as (
        select need_stage, knowledge_level, count(*) as views_90d
        from read
        group by need_stage, knowledge_level
    )

select
    {{ surrogate_key(["tiers.tier", "stages.need_stage", "levels.knowledge_level"]) }}
    as content_gap_id,
    tiers.tier,
    cast(tiers.tier_rank as integer) as tier_rank,
    stages.need_stage,
    cast(stages.stage_number as integer) as stage_number,
    cast(levels.knowledge_level as integer) as knowledge_level,
    cast(coalesce(standing.people, 0) as bigint) as people,
    cast(coalesce(standing.readers, 0) as bigint) as readers,
    cast(coalesce(supply.contents, 0) as bigint) as contents,
    cast(coalesce(views.views_90d, 0) as bigint) as views_90d,
    coalesce(standing.people, 0) > 0 and coalesce(supply.contents, 0) = 0 as is_gap
from tiers
cross join stages
cross join levels
left join
    standing
    on tiers.tier = standing.tier
    and stages.stage_number = standing.stage_number
    and levels.knowledge_level = standing.knowledge_level
left join
    supply
    on stages.need_stage = supply.need_stage
    and levels.knowledge_level = supply.knowledge_level
left join
    views
    on stages.need_stage = views.need_stage
    and levels.knowledge_level = views.knowledge_level
