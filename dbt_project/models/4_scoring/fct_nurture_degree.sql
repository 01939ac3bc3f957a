{# How far a person has been nurtured in a topic: four shares between 0 and 1, weighted by nurture_components.csv. #}
with

    topics as (select * from {{ ref("int_topic_deeds") }}),
    components as (select * from {{ ref("nurture_components") }}),

    topics_of_people as (
        select
            person_id,
            topic_kind,
            topic_id,
            cast(count(distinct content_category) as double) as breadth,
            cast(count(*) as double) as depth,
            cast(min({{ age_in_days("occurred_at") }}) as double) as days_since,
            cast(coalesce(max(knowledge_level), 0) as double) as knowledge,
            cast(count(*) as bigint) as deeds,
            max(occurred_at) as last_deed_at
        from topics
        group by person_id, topic_kind, topic_id
    ),

    shares as (
        select
            topics_of_people.person_id,
            topics_of_people.topic_kind,
            topics_of_people.topic_id,
            topics_of_people.deeds,
            topics_of_people.last_deed_at,
            components.component,
            components.weight,
            least(
                1.0,
                case
                    components.component
                    when 'breadth'
                    then topics_of_people.breadth
                    when 'depth'
                    then topics_of_people.depth
                    when 'knowledge'
                    then topics_of_people.knowledge
                    when 'recency'
                    then
                        power(
                            0.5, topics_of_people.days_since / components.half_life_days
                        )
                end
                / components.full_at
            ) as share
        from topics_of_people
        cross join components
    ),

    degrees as (
        select
            person_id,
            topic_kind,
            topic_id,
            deeds,
            last_deed_at,
            cast(
                max(case when component = 'breadth' then share end) as decimal(9, 6)
            ) as breadth,
            cast(
                max(case when component = 'depth' then share end) as decimal(9, 6)
            ) as depth,
            cast(
                max(case when component = 'recency' then share end) as decimal(9, 6)
            ) as recency,
            cast(
                max(case when component = 'knowledge' then share end) as decimal(9, 6)
            ) as knowledge,
            cast(
                round(sum(weight * share) * 100 / sum(weight), 6) as decimal(9, 6)
            ) as nurture_degree
        from shares
        group by person_id, topic_kind, topic_id, deeds, last_deed_at
    )

select *
from degrees
