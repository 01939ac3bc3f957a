{# Sessions with where they began. Rebuilt from the session on into which a visitor's new page views fall. #}
{{
    config(
        materialized="incremental",
        incremental_strategy="touched",
        unique_key="visitor_id",
        meta={"clock": "started_at", "from_first": true},
    )
}}
{%- set session_key = ["visitor_id", "session_started_at"] -%}
{%- if var("session_cut_by_campaign") -%}
    {%- do session_key.append("session_part") -%}
{%- endif -%}
{%- set new_rows = not_seen_before("loaded_at", "last_request_at") -%}
{%- if is_incremental() -%}
    {%- set first_touched = (
        first_moment(
            "select min(session_started_at) from "
            ~ unseen_rows_of(
                ref("int_page_views"), "loaded_at", "last_request_at"
            )
            ~ " as unseen"
        )
        or "cast('9999-12-31' as timestamp)"
    ) -%}
{%- endif %}

with

    page_views as (
        select *
        from {{ ref("int_page_views") }}
        {% if is_incremental() %} where occurred_at >= {{ first_touched }} {% endif %}
    ),

    {% if is_incremental() %}
        visitors_touched as (
            select visitor_id, min(session_started_at) as touched_from
            from page_views
            where {{ new_rows }}
            group by visitor_id
        ),

        pages_touched as (
            select page_views.*
            from page_views
            inner join
                visitors_touched
                on page_views.visitor_id = visitors_touched.visitor_id
                and page_views.session_started_at >= visitors_touched.touched_from
        ),
    {% else %} pages_touched as (select * from page_views),
    {% endif %}

    sessions as (
        select
            {{ surrogate_key(session_key) }} as session_id,
            visitor_id,
            visitor_number,
            session_part,
            max(stream) as stream,
            bool_or(has_cookie) as has_cookie,
            session_started_at as started_at,
            max(occurred_at) as ended_at,
            cast(count(*) as bigint) as page_views,
            cast(sum(parts_of_page) as bigint) as parts_of_pages,
            max(case when page_in_session = 1 then path end) as entry_path,
            max_by(path, page_in_session) as exit_path,
            max(case when page_in_session = 1 then referrer_host end) as referrer_host,
            max(case when page_in_session = 1 then utm_source end) as utm_source,
            max(case when page_in_session = 1 then utm_medium end) as utm_medium,
            max(case when page_in_session = 1 then utm_campaign end) as campaign_id,
            -- The words of the advertisement, else of the search engine, else the first
            -- that were typed into our own search.
            max(case when page_in_session = 1 then utm_term end) as utm_term,
            max(case when page_in_session = 1 then referrer_term end) as referrer_term,
            min_by(site_search_term, page_in_session) filter (
                where site_search_term is not null
            ) as site_search_term,
            max(case when page_in_session = 1 then mail_token end) as mail_token,
            max(case when page_in_session = 1 then device_class end) as device_class,
            min(machine_rule_id) as machine_rule_id,
            max(last_request_at) as last_request_at,
            max(loaded_at) as loaded_at,
            max(built_to) as built_to,
            '{{ invocation_id }}' as built_by
        from pages_touched
        group by visitor_id, visitor_number, session_started_at, session_part
    )

select *
from sessions
