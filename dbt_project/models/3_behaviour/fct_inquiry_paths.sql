{# What a person had done on our pages before the first inquiry, named or not. #}
with

    touches as (
        select *
        from {{ ref("fct_touches") }}
        where not is_machine and person_id is not null
    ),
    sessions as (
        select *
        from {{ ref("fct_sessions") }}
        where not is_machine and person_id is not null
    ),

    inquiries_ranked as (
        select
            person_id,
            touch_id,
            occurred_at as inquired_at,
            touch_type,
            form_id,
            product_id,
            channel,
            row_number() over (
                partition by person_id order by occurred_at, touch_id
            ) as inquiry_number
        from touches
        where
            touch_type in ('inquiry', 'quote_request', 'call_received', 'fax_received')
    ),

    inquiries as (select * from inquiries_ranked where inquiry_number = 1),

    -- The visit of the inquiry itself counts: it began before.
    sessions_before as (
        select
            inquiries.person_id,
            min(sessions.started_at) as first_session_at,
            min_by(
                sessions.channel,
                cast(sessions.started_at as {{ dbt.type_string() }})
                || sessions.session_id
            ) as first_channel,
            cast(count(*) as bigint) as pre_inquiry_sessions,
            cast(sum(sessions.page_views) as bigint) as pre_inquiry_page_views
        from inquiries
        inner join
            sessions
            on inquiries.person_id = sessions.person_id
            and sessions.started_at <= inquiries.inquired_at
        group by inquiries.person_id
    )

select
    inquiries.person_id,
    inquiries.touch_id,
    inquiries.inquired_at,
    inquiries.touch_type,
    inquiries.form_id,
    inquiries.product_id,
    inquiries.channel,
    sessions_before.first_channel,
    coalesce(sessions_before.pre_inquiry_sessions, 0) as pre_inquiry_sessions,
    coalesce(sessions_before.pre_inquiry_page_views, 0) as pre_inquiry_page_views,
    cast(
        coalesce(
            {{
                dbt.datediff(
                    local_date("sessions_before.first_session_at"),
                    local_date("inquiries.inquired_at"),
                    "day",
                )
            }},
            0
        ) as bigint
    ) as pre_inquiry_days
from inquiries
left join sessions_before on inquiries.person_id = sessions_before.person_id
