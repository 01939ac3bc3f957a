{#
  Page views in their sessions. A session is all that can be said of a visitor without knowing who it is, so a new
  identity never touches this table. New lines rebuild their visitor from the run of pages on that they fall into.

  A run is pages without a silence longer than the time-out. A session is a run; where session_max_minutes is set, a
  run is cut into pieces of that length from its start; where session_cut_by_campaign is set, it is also cut where a
  page comes with other campaign parameters than the page before it.
#}
{{
    config(
        materialized="incremental",
        incremental_strategy="touched",
        unique_key="row_key",
        meta={"clock": "occurred_at"},
    )
}}
{%- set timeout = var("session_timeout_minutes") -%}
{%- set longest = var("session_max_minutes") -%}
{%- set cut_by_campaign = var("session_cut_by_campaign") -%}
{%- set is_cut = longest or cut_by_campaign -%}
{%- set new_rows = not_seen_before("loaded_at", "occurred_at") -%}
{%- if is_incremental() -%}
    {%- set first_new = (
        first_moment(
            "select min(occurred_at) from "
            ~ unseen_rows_of(
                ref("int_requests_classified"), "loaded_at", "occurred_at"
            )
            ~ " as unseen where is_page or is_part_of_page"
        )
        or "cast('9999-12-31' as timestamp)"
    ) -%}
    {%- set first_touched = (
        first_moment(
            "select min(run_started_at) from "
            ~ this
            ~ " where occurred_at >= "
            ~ plus_minutes(first_new, "-" ~ timeout)
        )
        or first_new
    ) -%}
{%- endif %}

with

    requests as (
        select *
        from {{ ref("int_requests_classified") }}
        where
            (is_page or is_part_of_page) and occurred_at < {{ as_of_end() }}
            {% if is_incremental() %}
                and occurred_at >= least({{ first_new }}, {{ first_touched }})
            {% endif %}
    ),
    machine_rules as (
        select *
        from {{ ref("machine_rules_in_force") }}
        where kind = 'pages_in_seconds'
    ),

    {% if is_incremental() %}
        visitors_new as (
            select visitor_id, min(occurred_at) as first_new_at
            from requests
            where {{ new_rows }}
            group by visitor_id
        ),

        -- The run into which the first new line falls begins earlier.
        visitors_touched as (
            select
                visitors_new.visitor_id,
                least(
                    min(visitors_new.first_new_at),
                    coalesce(min(kept.run_started_at), min(visitors_new.first_new_at))
                ) as touched_from
            from visitors_new
            left join
                {{ this }} as kept
                on visitors_new.visitor_id = kept.visitor_id
                and kept.occurred_at >= {{ plus_minutes(first_new, "-" ~ timeout) }}
                and kept.occurred_at
                >= {{ plus_minutes("visitors_new.first_new_at", "-" ~ timeout) }}
                and kept.occurred_at <= visitors_new.first_new_at
            group by visitors_new.visitor_id
        ),

        requests_touched as (
            select requests.*
            from requests
            inner join
                visitors_touched
                on requests.visitor_id = visitors_touched.visitor_id
                and requests.occurred_at >= visitors_touched.touched_from
        ),
    {% else %} requests_touched as (select * from requests),
    {% endif %}

    -- Only what the order of a visitor's lines decides goes through the sorting; the
    -- rest of the row joins at the end.
    lines as (
        select
            row_key,
            visitor_id,
            occurred_at,
            is_page,
            loaded_at,
            {% if cut_by_campaign %}
                coalesce(utm_source, '')
                || '|'
                || coalesce(utm_medium, '')
                || '|'
                || coalesce(utm_campaign, '')
            {% else %} cast(null as {{ dbt.type_string() }})
            {% endif %} as campaign
        from requests_touched
    ),

    lines_numbered as (
        select
            *,
            cast(
                sum(case when is_page then 1 else 0 end) over (
                    partition by visitor_id
                    order by occurred_at, case when is_page then 0 else 1 end, row_key
                    rows between unbounded preceding and current row
                ) as bigint
            ) as page_number,
            max(case when is_page then occurred_at end) over (
                partition by visitor_id
                order by occurred_at, case when is_page then 0 else 1 end, row_key
                rows between unbounded preceding and 1 preceding
            ) as previous_page_at
        from lines
    ),

    pages as (select * from lines_numbered where is_page),

    -- Pictures, styles and scripts belong to the page before them.
    parts as (
        select
            visitor_id,
            page_number,
            cast(count(*) as bigint) as parts_of_page,
            max(occurred_at) as last_part_at,
            max(loaded_at) as last_part_loaded_at
        from lines_numbered
        where
            not is_page
            and {{ seconds_between("previous_page_at", "occurred_at") }}
            <= {{ timeout }} * 60
        group by visitor_id, page_number
    ),

    -- More pages than the threshold within so many seconds, not within a minute of the
    -- clock, which a burst may straddle.
    visitors_of_many_pages as (
        select
            visitors.visitor_id,
            machine_rules.rule_id,
            machine_rules.threshold,
            machine_rules.within_seconds
        from
            (
                select visitor_id, max(page_number) as page_count
                from pages
                group by visitor_id
            ) as visitors
        inner join machine_rules on visitors.page_count > machine_rules.threshold
    ),

    bursts as (
        select
            earlier.visitor_id,
            earlier.page_number,
            min(visitors_of_many_pages.rule_id) as burst_rule_id
        from pages as earlier
        inner join
            visitors_of_many_pages
            on earlier.visitor_id = visitors_of_many_pages.visitor_id
        inner join
            pages as later
            on earlier.visitor_id = later.visitor_id
            and earlier.page_number + visitors_of_many_pages.threshold
            = later.page_number
        where
            {{ seconds_between("earlier.occurred_at", "later.occurred_at") }}
            < visitors_of_many_pages.within_seconds
        group by earlier.visitor_id, earlier.page_number
    ),

    runs_numbered as (
        select
            *,
            sum(
                case
                    when previous_page_at is null
                    then 1
                    when
                        {{ seconds_between("previous_page_at", "occurred_at") }}
                        > {{ timeout }} * 60
                    then 1
                    else 0
                end
            ) over (
                partition by visitor_id
                order by page_number
                rows between unbounded preceding and current row
            ) as run_number
        from pages
    ),

    runs_started as (
        select
            *,
            min(occurred_at) over (
                partition by visitor_id, run_number
            ) as run_started_at,
            min(page_number) over (
                partition by visitor_id, run_number
            ) as first_page_of_run
            {% if cut_by_campaign %}
                ,
                lag(campaign) over (
                    partition by visitor_id, run_number order by page_number
                ) as previous_campaign
            {% endif %}
        from runs_numbered
    ),

    {% if is_cut %}
        pieces_cut as (
            select
                *,
                {% if longest %}
                    floor(
                        {{ seconds_between("run_started_at", "occurred_at") }}
                        / ({{ longest }} * 60)
                    )
                {% else %} 0
                {% endif %} as piece_number,
                {% if cut_by_campaign %}
                    cast(
                        sum(
                            case
                                when campaign <> '||' and campaign <> previous_campaign
                                then 1
                                else 0
                            end
                        ) over (
                            partition by visitor_id, run_number
                            order by page_number
                            rows between unbounded preceding and current row
                        ) as bigint
                    )
                {% else %} cast(0 as bigint)
                {% endif %} as campaign_number
            from runs_started
        ),

        sessions_started as (
            select
                *,
                min(occurred_at) over (
                    partition by visitor_id, run_number, piece_number, campaign_number
                ) as session_started_at,
                min(page_number) over (
                    partition by visitor_id, run_number, piece_number, campaign_number
                ) as first_page_number
            from pieces_cut
        ),
    {% else %}
        sessions_started as (
            select
                *,
                run_started_at as session_started_at,
                first_page_of_run as first_page_number
            from runs_started
        ),
    {% endif %}

    page_views as (
        select
            sessions_started.row_key,
            requests_touched.stream,
            sessions_started.visitor_id,
            -- Some visitors are looked up in all that ever was, and numbers are read in
            -- a tenth of the time.
            {{ number_of_text("sessions_started.visitor_id") }} as visitor_number,
            requests_touched.has_cookie,
            sessions_started.occurred_at,
            requests_touched.path,
            requests_touched.query,
            requests_touched.referrer_host,
            requests_touched.utm_source,
            requests_touched.utm_medium,
            requests_touched.utm_campaign,
            requests_touched.utm_term,
            requests_touched.referrer_term,
            requests_touched.site_search_term,
            requests_touched.mail_token,
            requests_touched.content_category,
            requests_touched.touch_type,
            requests_touched.product_id,
            requests_touched.solution_id,
            requests_touched.need_stage,
            requests_touched.knowledge_level,
            requests_touched.device_class,
            requests_touched.machine_rule_id,
            bursts.burst_rule_id,
            sessions_started.run_started_at,
            sessions_started.session_started_at,
            -- Two campaigns within one second are two sessions.
            {% if cut_by_campaign %} sessions_started.campaign_number
            {% else %} cast(0 as bigint)
            {% endif %} as session_part,
            sessions_started.page_number
            - sessions_started.first_page_number
            + 1 as page_in_session,
            coalesce(parts.parts_of_page, 0) as parts_of_page,
            greatest(
                sessions_started.occurred_at,
                coalesce(parts.last_part_at, sessions_started.occurred_at)
            ) as last_request_at,
            greatest(
                sessions_started.loaded_at,
                coalesce(parts.last_part_loaded_at, sessions_started.loaded_at)
            ) as loaded_at,
            {{ as_of_end() }} as built_to,
            -- Which build wrote the row: the facts take over what this build wrote.
            '{{ invocation_id }}' as built_by
        from sessions_started
        inner join
            requests_touched on sessions_started.row_key = requests_touched.row_key
        left join
            bursts
            on sessions_started.visitor_id = bursts.visitor_id
            and sessions_started.page_number = bursts.page_number
        left join
            parts
            on sessions_started.visitor_id = parts.visitor_id
            and sessions_started.page_number = parts.page_number
    )

select *
from page_views
