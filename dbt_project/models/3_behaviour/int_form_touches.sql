with

    submissions as (select * from {{ ref("stg_forms__submissions") }}),
    records as (select * from {{ ref("record_identifiers") }}),
    form_kinds as (select * from {{ ref("form_kinds") }}),
    categories as (select * from {{ ref("content_categories") }}),
    message_rules as (select * from {{ ref("message_rules") }}),
    sessions as (select * from {{ ref("fct_sessions") }}),
    machines as (select * from {{ ref("int_machine_visitors") }}),

    -- A form that does not say its product may stand on a page that does.
    pages as (select distinct page_path from submissions where page_path is not null),

    pages_ranked as (
        select
            pages.page_path,
            categories.product_id,
            categories.solution_id,
            row_number() over (
                partition by pages.page_path order by categories.priority
            ) as match_rank
        from pages
        inner join categories on pages.page_path like categories.path_pattern
    ),

    messages as (select distinct message from submissions where message is not null),

    -- What people write tells more than the form they found first.
    messages_judged as (
        select messages.message, min_by(rules.touch_type, rules.rule_id) as touch_type
        from messages
        inner join message_rules as rules on messages.message like rules.pattern
        group by messages.message
    ),

    -- The form belongs to the visit in which it was sent; reading a long form may
    -- take a session's time-out.
    sessions_ranked as (
        select
            submissions.row_key,
            sessions.session_id,
            sessions.channel,
            sessions.campaign_id,
            sessions.is_machine,
            sessions.machine_rule_id,
            row_number() over (
                partition by submissions.row_key
                order by sessions.started_at desc, sessions.session_id
            ) as session_rank
        from submissions
        inner join
            sessions
            on submissions.visitor_id = sessions.visitor_id
            and submissions.occurred_at >= sessions.started_at
            and submissions.occurred_at
            <= {{ plus_minutes("sessions.ended_at", var("session_timeout_minutes")) }}
    )

select
    submissions.row_key,
    submissions.visitor_id,
    records.identifier,
    submissions.occurred_at,
    coalesce(messages_judged.touch_type, form_kinds.touch_type) as touch_type,
    sessions_ranked.session_id,
    coalesce(sessions_ranked.channel, 'direct') as channel,
    submissions.form_id,
    form_kinds.form_kind,
    coalesce(submissions.product_id, pages_ranked.product_id) as product_id,
    pages_ranked.solution_id,
    coalesce(submissions.campaign_id, sessions_ranked.campaign_id) as campaign_id,
    coalesce(submissions.form_id, submissions.page_path) as detail,
    coalesce(
        sessions_ranked.machine_rule_id, machines.machine_rule_id
    ) as machine_rule_id
from submissions
left join records on submissions.row_key = records.row_key and records.source = 'forms'
left join form_kinds as known_kinds on submissions.form_kind = known_kinds.form_kind
inner join
    form_kinds on coalesce(known_kinds.form_kind, 'unknown') = form_kinds.form_kind
left join
    pages_ranked
    on submissions.page_path = pages_ranked.page_path
    and pages_ranked.match_rank = 1
left join messages_judged on submissions.message = messages_judged.message
left join
    sessions_ranked
    on submissions.row_key = sessions_ranked.row_key
    and sessions_ranked.session_rank = 1
left join machines on submissions.visitor_id = machines.visitor_id
