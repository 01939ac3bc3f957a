{#
  Page views in their sessions. A session is all that can be said of a visitor without knowing who it is, so a new
  identity never touches this table; a late line rebuilds its visitor only.
#}
{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key="visitor_id",
    )
}}

with

    requests as (select * from {{ ref("int_requests_classified") }}),
    machine_rules as (
        select * from {{ ref("machine_rules") }} where kind = 'requests_per_minute'
    ),

    visitors_touched as (
        select distinct visitor_id
        from requests
        where is_page and {{ not_seen_before("loaded_at", "occurred_at") }}
    ),

    pages as (
        select requests.*
        from requests
        inner join visitors_touched on requests.visitor_id = visitors_touched.visitor_id
        where requests.is_page and requests.occurred_at < {{ as_of_end() }}
    ),

    pages_numbered as (
        select
            visitor_id,
            occurred_at,
            row_number() over (
                partition by visitor_id order by occurred_at, row_key
            ) as page_number
        from pages
    ),

    -- More pages than the threshold within any sixty seconds, not within a minute of
    -- the
    -- clock, which a burst may straddle.
    visitors_judged as (
        select earlier.visitor_id, min(machine_rules.rule_id) as machine_rule_id
        from pages_numbered as earlier
        cross join machine_rules
        inner join
            pages_numbered as later
            on earlier.visitor_id = later.visitor_id
            and earlier.page_number + machine_rules.threshold = later.page_number
        where {{ seconds_between("earlier.occurred_at", "later.occurred_at") }} < 60
        group by earlier.visitor_id
    ),

    silences as (
        select
            *,
            lag(occurred_at) over (
                partition by visitor_id order by occurred_at, row_key
            ) as previous_at
        from pages
    ),

    sessions_numbered as (
        select
            *,
            sum(
                case
                    when previous_at is null
                    then 1
                    when
                        {{ seconds_between("previous_at", "occurred_at") }}
                        > {{ var("session_timeout_minutes") }} * 60
                    then 1
                    else 0
                end
            ) over (
                partition by visitor_id
                order by occurred_at, row_key
                rows between unbounded preceding and current row
            ) as session_number
        from silences
    ),

    sessions_started as (
        select
            *,
            min(occurred_at) over (
                partition by visitor_id, session_number
            ) as session_started_at
        from sessions_numbered
    ),

    page_views as (
        select
            sessions_started.row_key,
            sessions_started.visitor_id,
            sessions_started.has_cookie,
            {{
                surrogate_key(
                    [
                        "sessions_started.visitor_id",
                        "sessions_started.session_started_at",
                    ]
                )
            }} as session_id,
            sessions_started.occurred_at,
            sessions_started.path,
            sessions_started.query,
            sessions_started.referrer_host,
            sessions_started.utm_source,
            sessions_started.utm_medium,
            sessions_started.utm_campaign,
            sessions_started.utm_term,
            sessions_started.mail_token,
            sessions_started.content_category,
            sessions_started.touch_type,
            sessions_started.product_id,
            sessions_started.solution_id,
            coalesce(
                sessions_started.machine_rule_id, visitors_judged.machine_rule_id
            ) as machine_rule_id,
            sessions_started.loaded_at,
            {{ as_of_end() }} as built_to
        from sessions_started
        left join
            visitors_judged on sessions_started.visitor_id = visitors_judged.visitor_id
    )

select *
from page_views
