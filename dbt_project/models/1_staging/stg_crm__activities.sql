with

    activities as (select * from {{ source("raw_crm", "activities") }}),

    known as (
        select *
        from activities
        where occurrence = 1 and {{ known_by_then("occurred_at") }}
    ),

    ranked as (
        select
            *,
            row_number() over (
                partition by coalesce(activity_id, row_key) order by row_key
            ) as rank_of_repeat
        from known
    ),

    activities_once as (
        select
            row_key,
            activity_id,
            lead_id,
            opportunity_id,
            owner_id,
            activity_type,
            subject,
            outcome,
            occurred_at,
            time_precision
        from ranked
        where rank_of_repeat = 1
    )

select *
from activities_once
