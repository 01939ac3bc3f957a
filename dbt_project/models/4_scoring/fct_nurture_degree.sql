{# How far a person has been nurtured in a topic today: four shares between 0 and 1, weighted by nurture_components.csv. #}
with

    deeds as (select * from {{ ref("int_topic_deeds") }}),
    days as (select {{ as_of_date() }} as scored_on),
    degrees as ({{ nurture_degrees("deeds", "days") }}),

    last_deeds as (
        select person_id, topic_kind, topic_id, max(occurred_at) as last_deed_at
        from deeds
        group by person_id, topic_kind, topic_id
    )

select
    degrees.person_id,
    degrees.topic_kind,
    degrees.topic_id,
    degrees.deeds,
    last_deeds.last_deed_at,
    degrees.breadth,
    degrees.depth,
    degrees.recency,
    degrees.knowledge,
    degrees.nurture_degree
from degrees
inner join
    last_deeds
    on degrees.person_id = last_deeds.person_id
    and degrees.topic_kind = last_deeds.topic_kind
    and degrees.topic_id = last_deeds.topic_id
