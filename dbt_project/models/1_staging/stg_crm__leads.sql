with

    leads as (select * from {{ source("raw_crm", "leads") }}),

    known as (
        select *
        from leads
        where
            occurrence = 1
            and lead_id is not null
            and {{ known_by_then("coalesce(updated_at, created_at)") }}
    ),

    versions_ranked as (
        select
            *,
            row_number() over (
                partition by lead_id order by updated_at desc nulls last, row_key
            ) as version_rank
        from known
    ),

    leads_current as (
        select
            row_key,
            lead_id,
            external_id,
            email,
            email_domain,
            email_domain_kind,
            corporate_number,
            person_name,
            person_name_raw,
            person_kana,
            company_name,
            company_key,
            department,
            position,
            phone,
            prefecture,
            industry,
            employees,
            product_id,
            lead_source,
            campaign_id,
            owner_id,
            status,
            created_at,
            updated_at
        from versions_ranked
        where version_rank = 1
    )

select *
from leads_current
