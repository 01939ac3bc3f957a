with

    sessions as (select * from {{ ref("int_session_entries") }}),
    channels as (select * from {{ ref("int_channels_matched") }}),
    spans as (select * from {{ ref("visitor_spans") }}),

    sessions_of_people as (
        select
            sessions.session_id,
            sessions.visitor_id,
            spans.person_id,
            sessions.started_at,
            sessions.ended_at,
            sessions.page_views,
            sessions.entry_path,
            sessions.exit_path,
            channels.channel,
            sessions.campaign_id,
            sessions.referrer_host,
            sessions.search_term,
            sessions.machine_rule_id is not null as is_machine,
            sessions.machine_rule_id,
            -- People count once a month as visitors: months then add up from days.
            row_number() over (
                partition by
                    sessions.visitor_id,
                    {{ local_month("sessions.started_at") }},
                    sessions.machine_rule_id is not null
                order by sessions.started_at, sessions.session_id
            )
            = 1 as is_first_of_month
        from sessions
        left join
            channels
            on coalesce(
                lower(sessions.utm_medium),
                case when sessions.mail_token is not null then 'email' end,
                ''
            )
            = channels.medium
            and coalesce(lower(sessions.utm_source), '') = channels.source
            and coalesce(lower(sessions.referrer_host), '') = channels.referrer_host
        left join
            spans
            on sessions.visitor_id = spans.visitor_id
            and sessions.started_at >= spans.span_from
            and sessions.started_at < spans.span_to
    )

select *
from sessions_of_people
