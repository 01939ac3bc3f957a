with

    requests as (select * from {{ source("raw_web", "requests") }}),

    known as (
        select *
        from requests
        where occurrence = 1 and {{ known_by_then("occurred_at") }}
    ),

    -- Without a cookie a visitor is an address, a browser and a day, as GoAccess
    -- counts them: it cannot follow
    -- anybody from one day to the next, and does not pretend to.
    visitors_named as (
        select
            row_key,
            stream,
            client_address,
            coalesce(
                visitor_id,
                'day-'
                || {{
                    surrogate_key(
                        ["client_address", "user_agent", local_date("occurred_at")]
                    )
                }}
            ) as visitor_id,
            visitor_id is not null as has_cookie,
            occurred_at,
            method,
            path,
            query,
            status,
            bytes,
            referrer,
            referrer_host,
            user_agent,
            utm_source,
            utm_medium,
            utm_campaign,
            utm_term,
            mail_token,
            loaded_at
        from known
    )

select *
from visitors_named
