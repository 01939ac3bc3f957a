{# How far the people of each tier have been nurtured in each topic (SC17). #}
with

    degrees as (select * from {{ ref("fct_nurture_degree") }}),

    tier_history as (select * from {{ ref("fct_tier_history") }}),

    people_by_topic as (
        select
            degrees.topic_kind,
            degrees.topic_id,
            tier_history.tier,
            cast(count(*) as bigint) as people,
            -- A sum of decimals is the same in any order of rows; one of doubles is
            -- not.
            cast(sum(cast(degrees.nurture_degree as decimal(18, 6))) as double)
            / count(*) as mean_nurture_degree
        from degrees
        inner join
            tier_history
            on degrees.person_id = tier_history.person_id
            and tier_history.valid_to is null
        group by degrees.topic_kind, degrees.topic_id, tier_history.tier
    )

select *
from people_by_topic
