with

    assignments as (select * from {{ source("raw_ab", "assignments") }}),

    known as (
        select *
        from assignments
        where occurrence = 1 and {{ known_by_then("assigned_at") }}
    ),

    assignments_typed as (
        select
            row_key,
            experiment_id,
            variant,
            assigned_at,
            time_precision,
            visitor_id,
            email,
            lead_id,
            mail_token,
            campaign_id
        from known
    )

select *
from assignments_typed
