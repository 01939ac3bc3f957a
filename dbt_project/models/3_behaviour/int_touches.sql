{# Every deed under the identifier that was seen, nobody's name yet (design decision 3). #}
with

    page_views as (select * from {{ ref("int_page_views") }}),
    sessions as (select * from {{ ref("fct_sessions") }}),
    form_touches as (select * from {{ ref("int_form_touches") }}),
    email_touches as (select * from {{ ref("int_email_touches") }}),
    offline_touches as (select * from {{ ref("int_offline_touches") }}),
    other_touches as (select * from {{ ref("int_other_touches") }}),

    touches as (
        select
            'web' as source,
            page_views.row_key,
            page_views.visitor_id,
            cast(null as {{ dbt.type_string() }}) as identifier,
            page_views.occurred_at,
            'second' as time_precision,
            page_views.touch_type,
            sessions.channel,
            page_views.content_category,
            page_views.product_id,
            page_views.solution_id,
            cast(null as {{ dbt.type_string() }}) as form_id,
            cast(null as {{ dbt.type_string() }}) as form_kind,
            sessions.campaign_id,
            page_views.session_id,
            page_views.path as detail,
            coalesce(
                page_views.machine_rule_id, sessions.machine_rule_id
            ) as machine_rule_id
        from page_views
        inner join sessions on page_views.session_id = sessions.session_id
        union all
        select
            'forms' as source,
            row_key,
            visitor_id,
            identifier,
            occurred_at,
            'second' as time_precision,
            touch_type,
            channel,
            null as content_category,
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
