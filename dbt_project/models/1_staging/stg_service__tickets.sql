with

    tickets as (select * from {{ source("raw_service", "tickets") }}),

    known as (
        select *
        from tickets
        where
            occurrence = 1
            and ticket_id is not null
            and {{ known_by_then("opened_at") }}
            and {{ known_by_then("updated_at") }}
    ),

    versions_ranked as (
        select
            *,
            row_number() over (
                partition by ticket_id order by updated_at desc nulls last, row_key
            ) as version_rank
        from known
    ),

    tickets_current as (
        select
            row_key,
            ticket_id,
            ticket_kind,
            subject,
            message,
            status,
            priority,
            satisfaction,
            opened_at,
            time_precision,
            closed_at,
            updated_at,
            email,
            person_name,
            person_name_raw,
            company_name,
            company_key,
            phone,
            lead_id,
            product_id,
            owner_id
        from versions_ranked
        where version_rank = 1
    )

select *
from tickets_current
