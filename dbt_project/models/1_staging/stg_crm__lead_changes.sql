with

    leads as (select * from {{ source("raw_crm", "leads") }}),

    known as (
        select *
        from leads
        where
            occurrence = 1
            and lead_id is not null
            and updated_at is not null
            and {{ known_by_then("updated_at") }}
    ),

    -- one record told twice at one moment says one thing: the first by its content
    told_once as (
        select
            *,
            row_number() over (
                partition by lead_id, updated_at, status, owner_id order by row_key
            ) as telling
        from known
    ),

    lead_changes as (
        select row_key, lead_id, status, owner_id, updated_at
        from told_once
        where telling = 1
    )

select *
from lead_changes
