with

    bookings as (select * from {{ source("raw_points", "ledger") }}),

    known as (
        select *
        from bookings
        where occurrence = 1 and {{ known_by_then("occurred_at") }}
    ),

    ranked as (
        select
            *,
            row_number() over (
                partition by coalesce(entry_id, row_key) order by row_key
            ) as rank_of_repeat
        from known
    ),

    bookings_once as (
        select
            row_key,
            entry_id,
            member_id,
            points,
            points_reason,
            order_id,
            amount_jpy,
            balance,
            occurred_at,
            time_precision,
            email,
            person_name,
            person_name_raw,
            phone,
            lead_id,
            campaign_id
        from ranked
        where rank_of_repeat = 1
    )

select *
from bookings_once
