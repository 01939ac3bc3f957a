with

    form_passes as (select * from {{ ref("fct_form_passes") }}),

    months as (
        select
            passed_month as month,
            form_kind,
            cast(count(*) as bigint) as form_passes,
            -- job-seekers stand in form_passes only, as in the KPIs by person
            cast(
                count(distinct case when is_of_lead then person_id end) as bigint
            ) as persons,
            cast(count(*) filter (where is_new_lead) as bigint) as new_leads
        from form_passes
        where is_counted
        group by passed_month, form_kind
    )

select *
from months
