with

    touches as (select * from {{ source("raw_social", "touches") }}),

    known as (
        select *
        from touches
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

    touches_once as (
        select
            row_key,
            touch_id,
            network,
            touch_type,
            occurred_at,
            time_precision,
            account,
            email,
            person_name,
            person_name_raw,
            company_name,
            company_key,
            url,
            message,
            lead_id,
            campaign_id,
            product_id
        from ranked
        where rank_of_repeat = 1
    )

select *
from touches_once
