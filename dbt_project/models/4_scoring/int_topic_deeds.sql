{#
  Deeds about something: a product, a solution, or (where neither is named) what the page was about. The deeds that a
  build tells anew are looked at anew.
#}
{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{% if is_incremental() %} delete from {{ this }} where touch_id in (select touch_id from {{ ref('int_touches_changed') }}) {% endif %}",
    )
}}
{%- set touches_changed = ref("int_touches_changed") %}
-- depends_on: {{ ref("int_people_retold") }}
with

    touches as (
        {% if is_incremental() %}select * from {{ touches_changed }} where not is_gone
        {% else %}select * from {{ ref("fct_touches") }}
        {% endif %}
    ),
    touch_types as (select * from {{ ref("touch_types") }}),
    contents as (select * from {{ ref("content_categories") }}),
    spans as (
        select *, {{ local_date("first_claimed_at") }} as claimed_on
        from {{ ref("visitor_spans") }}
    ),

    knowledge as (
        select
            content_category,
            coalesce(product_id, '') as product_id,
            max(knowledge_level) as knowledge_level
        from contents
        group by content_category, coalesce(product_id, '')
    ),

    touches_human as (
        select
            *,
            {{ local_date("occurred_at") }} as occurred_on,
            case when was_anonymous then visitor_id end as unknown_visitor_id
        from touches
        where not is_machine and person_id is not null
    ),

    deeds as (
        select
            touches.person_id,
            touches.touch_id,
            touches.occurred_at,
            touches.occurred_on,
            -- A deed of an unknown browser is the person's from the day the browser
            -- was known to be theirs.
            case
                when touches.was_anonymous
                then spans.claimed_on
                else touches.occurred_on
            end as known_on,
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
        from touches_human as touches
        inner join touch_types on touches.touch_type = touch_types.touch_type
        left join
            knowledge
            on touches.content_category = knowledge.content_category
            and coalesce(touches.product_id, '') = knowledge.product_id
        left join
            spans
            on touches.unknown_visitor_id = spans.visitor_id
            and touches.occurred_at >= spans.span_from
            and touches.occurred_at < spans.span_to
        where touch_types.is_reaction
    )

select *
from deeds
where topic_id is not null
