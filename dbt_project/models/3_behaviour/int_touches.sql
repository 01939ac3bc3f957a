{#
  Every deed but page views, under the identifier that was seen and with nobody's name yet (design decision 3).
  Small beside the page views: told whole each time, and the facts take what differs.
#}
{{ config(materialized="view") }}

with

    form_touches as (select * from {{ ref("int_form_touches") }}),
    email_touches as (select * from {{ ref("int_email_touches") }}),
    offline_touches as (select * from {{ ref("int_offline_touches") }}),
    other_touches as (select * from {{ ref("int_other_touches") }}),

    touches as (
        select
            'forms' as source,
            row_key,
            visitor_id,
            identifier,
            occurred_at,
            'second' as time_precision,
            touch_type,
            channel,
            cast(null as {{ dbt.type_string() }}) as content_category,
            product_id,
            solution_id,
            form_id,
            form_kind,
            campaign_id,
            session_id,
            detail,
            machine_rule_id
        from form_touches
        union all
        select
            'email' as source,
            row_key,
            null as visitor_id,
            identifier,
            occurred_at,
            'second' as time_precision,
            touch_type,
            'email' as channel,
            null as content_category,
            null as product_id,
            null as solution_id,
            null as form_id,
            null as form_kind,
            campaign_id,
            null as session_id,
            detail,
            machine_rule_id
        from email_touches
        union all
        select
            source,
            row_key,
            null as visitor_id,
            identifier,
            occurred_at,
            time_precision,
            touch_type,
            'offline' as channel,
            null as content_category,
            product_id,
            null as solution_id,
            null as form_id,
            null as form_kind,
            campaign_id,
            null as session_id,
            detail,
            null as machine_rule_id
        from offline_touches
        union all
        select
            source,
            row_key,
            visitor_id,
            identifier,
            occurred_at,
            time_precision,
            touch_type,
            channel,
            null as content_category,
            product_id,
            null as solution_id,
            null as form_id,
            null as form_kind,
            campaign_id,
            null as session_id,
            detail,
            null as machine_rule_id
        from other_touches
    )

select {{ surrogate_key(["source", "row_key"]) }} as touch_id, *
from touches
