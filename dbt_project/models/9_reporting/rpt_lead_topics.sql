with

    degrees as (select * from {{ ref("fct_nurture_degree") }}),

    topics as (
        select
            person_id,
            topic_kind,
            topic_id,
            deeds,
            nurture_degree,
            cast(breadth as double) as breadth_share,
            cast(depth as double) as depth_share,
            cast(recency as double) as recency_share,
            cast(knowledge as double) as knowledge_share,
            last_deed_at
        from degrees
    )

select *
from topics
