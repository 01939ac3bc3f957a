with

    outcomes as (select * from {{ ref("int_leads_acquired") }}),

    opportunities as (select * from {{ ref("fct_opportunities") }}),

    -- of the leads of a month, those whose first deal was opened in another month;
    -- deals of nobody who passed a
    -- form, and second deals, stand in the rows without a cohort
    triangle as (
        select
            case
                when opportunities.is_first_of_lead then outcomes.lead_month
            end as cohort_month,
            opportunities.created_month as opportunity_month,
            cast(count(*) as bigint) as opportunities
        from opportunities
        left join outcomes on opportunities.person_id = outcomes.person_id
        where opportunities.created_month is not null
        group by
            case when opportunities.is_first_of_lead then outcomes.lead_month end,
            opportunities.created_month
    )

select
    {{ surrogate_key(["cohort_month", "opportunity_month"]) }} as triangle_id,
    cohort_month,
    opportunity_month,
    {{ dbt.datediff("cohort_month", "opportunity_month", "month") }} as age_months,
    opportunities
from triangle
