{# Deeds about something: a product, a solution, or (where neither is named) what the page was about. #}
with

    touches as (select * from {{ ref("fct_touches") }}),
    touch_types as (select * from {{ ref("touch_types") }}),
    contents as (select * from {{ ref("content_categories") }}),

    knowledge as (
        select
            content_category,
            coalesce(product_id, '') as product_id,
            max(knowledge_level) as knowledge_level
        from contents
        group by content_category, coalesce(product_id, '')
    ),

    deeds as (
        select
            touches.person_id,
            touches.touch_id,
            touches.occurred_at,
            case
                when touches.product_id is not null
                then 'product'
                when touches.solution_id is not null
                then 'solution'
                else 'content'
            end as topic_kind,
            coalesce(
                touches.product_id, touches.solution_id, touches.content_category
            ) as topic_id,
            coalesce(touches.content_category, touches.touch_type) as content_category,
            knowledge.knowledge_level
        from touches
        inner join touch_types on touches.touch_type = touch_types.touch_type
        left join
            knowledge
            on touches.content_category = knowledge.content_category
            and coalesce(touches.product_id, '') = knowledge.product_id
        where
            touches.person_id is not null
            and not touches.is_machine
            and touch_types.is_reaction
    )

select *
from deeds
where topic_id is not null
