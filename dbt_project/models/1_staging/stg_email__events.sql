with

    events as (select * from {{ source("raw_email", "events") }}),

    -- Some providers report events without a time or an address: nobody's deed, kept in
    -- the raw table only.
    known as (
        select *
        from events
        where
            occurrence = 1
            and occurred_at is not null
            and recipient is not null
            and {{ known_by_then("occurred_at") }}
    ),

    -- Providers deliver webhooks at least once; their event id tells the repeats.
    ranked as (
        select
            *,
            row_number() over (
                partition by provider, coalesce(event_id, row_key) order by row_key
            ) as rank_of_repeat
        from known
    ),

    events_once as (
        select
            row_key,
            stream,
            provider,
            event_type,
            event_id,
            message_id,
            recipient,
            occurred_at,
            reject_reason,
            is_machine,
            url,
            user_agent,
            client_address,
            mail_token,
            campaign_id,
            category
        from ranked
        where rank_of_repeat = 1
    )

select *
from events_once
