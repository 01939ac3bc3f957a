{# How far people have been nurtured in each topic at the end of each closed week: all of them, by tier and by industry, as
   both were at that time. #}
with

    history as (select * from {{ ref("fct_nurture_history") }}),
    people as (select * from {{ ref("dim_people") }} where not is_internal),
    tier_history as (select * from {{ ref("fct_tier_history") }}),
    industries as (
        select * from {{ ref("person_attribute_spans") }} where attribute = 'industry'
    ),

    degrees as (
        select history.*
        from history
        inner join people on history.person_id = people.person_id
    ),

    tiers_by_day as (
        select
            person_id,
            tier,
            {{ local_date("valid_from") }} as valid_from,
            {{ local_date("valid_to") }} as valid_to
        from tier_history
    ),

    degrees_in_segments as (
        select *, 'all' as segment_kind, 'all' as segment
        from degrees
        union all
        select degrees.*, 'tier', tiers_by_day.tier
        from degrees
        inner join
            tiers_by_day
            on degrees.person_id = tiers_by_day.person_id
            and tiers_by_day.valid_from <= degrees.scored_on
            and (
                tiers_by_day.valid_to is null
                or tiers_by_day.valid_to > degrees.scored_on
            )
        union all
        select degrees.*, 'industry', coalesce(industries.attribute_value, 'unknown')
        from degrees
        left join
            industries
            on degrees.person_id = industries.person_id
            and industries.valid_from <= degrees.scored_on
            and (industries.valid_to is null or industries.valid_to > degrees.scored_on)
    )

select
    scored_on as week_ends_on,
    topic_kind,
    topic_id,
    segment_kind,
    segment,
    cast(count(*) as bigint) as people,
    cast(sum(nurture_degree) as decimal(18, 6)) as degree_sum,
    cast(cast(sum(nurture_degree) as double) / count(*) as decimal(9, 6)) as mean_degree
from degrees_in_segments
group by scored_on, topic_kind, topic_id, segment_kind, segment
