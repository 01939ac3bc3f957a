with

    touches as (select * from {{ ref("int_touches") }}),
    touch_types as (select * from {{ ref("touch_types") }}),
    identifiers as (select * from {{ ref("person_identifiers") }}),
    spans as (select * from {{ ref("visitor_spans") }}),

    -- Whose deed it was is joined last, through small tables: a merge or a split
    -- rewrites those only.
    touches_of_people as (
        select
            touches.touch_id,
            coalesce(identifiers.person_id, spans.person_id) as person_id,
            touches.visitor_id,
            touches.identifier,
            touches.occurred_at,
            touches.time_precision,
            touches.touch_type,
            touches.channel,
            touch_types.data_class,
            touches.machine_rule_id is not null as is_machine,
            touches.machine_rule_id,
            touches.content_category,
            touches.product_id,
            touches.solution_id,
            touches.form_id,
            touches.form_kind,
            touches.campaign_id,
            touches.session_id,
            touches.detail,
            -- True where the deed was done before the browser was known to be this
            -- person's.
            identifiers.person_id is null
            and spans.person_id is not null
            and touches.occurred_at < spans.first_claimed_at as was_anonymous,
            touches.source,
            touches.row_key
        from touches
        inner join touch_types on touches.touch_type = touch_types.touch_type
        left join identifiers on touches.identifier = identifiers.identifier
        left join
            spans
            on touches.visitor_id = spans.visitor_id
            and touches.occurred_at >= spans.span_from
            and touches.occurred_at < spans.span_to
    )

select *
from touches_of_people
