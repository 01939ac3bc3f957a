with

    payloads as (select * from {{ ref("int_routed_lead_payloads") }}),

    -- sales tools want a name and a company in every record
    leads_worded as (
        select
            payloads.*,
            coalesce(display_name, email, person_id) as party_name,
            coalesce(company_name, '(会社名不明)') as account_name,
            coalesce(grade, '-')
            || ' | '
            || coalesce(company_name, '-')
            || ' | '
            || coalesce(top_product, '-') as headline,
            trim(coalesce(department, '') || ' ' || coalesce(position, '')) as attention
        from payloads
    )

select *
from leads_worded
