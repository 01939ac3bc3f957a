with

    payloads as (select * from {{ ref("int_routed_lead_payloads") }}),

    leads_worded as (
        select
            payloads.*,
            coalesce(display_name, email, person_id) as party_name,
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
