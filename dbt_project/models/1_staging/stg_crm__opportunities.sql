with

    opportunities as (select * from {{ source("raw_crm", "opportunities") }}),

    known as (
        select *
        from opportunities
        where
            occurrence = 1
            and opportunity_id is not null
            and {{ known_by_then("created_at") }}
            and {{ known_by_then("updated_at") }}
    ),

    versions_ranked as (
        select
            *,
            row_number() over (
                partition by opportunity_id order by updated_at desc nulls last, row_key
            ) as version_rank
        from known
    ),

    opportunities_current as (
        select
            row_key,
            opportunity_id,
            lead_id,
            company_name,
            company_key,
            opportunity_name,
            product_id,
            amount_jpy,
            stage,
            owner_id,
            created_at,
            closed_at,
            updated_at
        from versions_ranked
        where version_rank = 1
    )

select *
from opportunities_current
