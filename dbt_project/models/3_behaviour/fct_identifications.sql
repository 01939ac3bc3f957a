{# Each browser's step from anonymous to named: when, by which deed, and what it had done before. #}
with

    spans as (select * from {{ ref("visitor_spans") }}),
    touches as (select * from {{ ref("fct_touches") }}),
    sessions as (select * from {{ ref("fct_sessions") }}),

    -- A browser that several people share is named once by each of them.
    namings_ranked as (
        select
            visitor_id,
            person_id,
            first_claimed_at as identified_at,
            evidence_row_key,
            span_from,
            row_number() over (
                partition by visitor_id, person_id
                order by first_claimed_at, evidence_row_key
            ) as naming_number
        from spans
    ),

    namings as (select * from namings_ranked where naming_number = 1),

    -- The deed that named: a form, or the page that a mail's link opened.
    deeds as (
        select
            row_key,
            min(touch_type) as touch_type,
            min(source) as source,
            min(form_id) as form_id,
            min(form_kind) as form_kind,
            min(content_category) as content_category,
            min(product_id) as product_id,
            min(campaign_id) as campaign_id
        from touches
        where source in ('web', 'forms')
        group by row_key
    ),

    sessions_before as (
        select
            namings.visitor_id,
            namings.person_id,
            min(sessions.started_at) as first_seen_at,
            cast(count(*) as bigint) as anonymous_sessions,
            cast(sum(sessions.page_views) as bigint) as anonymous_page_views
        from namings
        inner join
            sessions
            on namings.visitor_id = sessions.visitor_id
            and sessions.started_at >= namings.span_from
            and sessions.started_at < namings.identified_at
        group by namings.visitor_id, namings.person_id
    )

select
    {{ surrogate_key(["namings.visitor_id", "namings.person_id"]) }}
    as identification_id,
    namings.visitor_id,
    namings.person_id,
    namings.identified_at,
    case
        when deeds.source = 'forms'
        then 'form'
        when deeds.source = 'web'
        then 'mail_link'
    end as identified_by,
    deeds.form_id,
    deeds.form_kind,
    deeds.content_category,
    deeds.product_id,
    deeds.campaign_id,
    coalesce(sessions_before.anonymous_sessions, 0) as anonymous_sessions,
    coalesce(sessions_before.anonymous_page_views, 0) as anonymous_page_views,
    cast(
        coalesce(
            {{
                dbt.datediff(
                    local_date("sessions_before.first_seen_at"),
                    local_date("namings.identified_at"),
                    "day",
                )
            }},
            0
        ) as bigint
    ) as anonymous_days,
    namings.evidence_row_key
from namings
left join deeds on namings.evidence_row_key = deeds.row_key
left join
    sessions_before
    on namings.visitor_id = sessions_before.visitor_id
    and namings.person_id = sessions_before.person_id
