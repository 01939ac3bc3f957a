with

    entries as (select * from {{ source("raw_touches", "entries") }}),

    known as (
        select *
        from entries
        where occurrence = 1 and {{ known_by_then("occurred_at") }}
    ),

    ranked as (
        select
            *,
            row_number() over (
                partition by coalesce(touch_id, row_key) order by row_key
            ) as rank_of_repeat
        from known
    ),

    entries_once as (
        select
            row_key,
            touch_id,
            touch_type,
            occurred_at,
            time_precision,
            direction,
            outcome,
            subject,
            email,
            person_name,
            person_name_raw,
            person_kana,
            company_name,
            company_key,
            department,
            position,
            phone,
            prefecture,
            lead_id,
            campaign_id,
            product_id,
            owner_id,
            note
        from ranked
        where rank_of_repeat = 1
    )

select *
from entries_once
