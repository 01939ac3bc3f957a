with

    cohorts as (select * from {{ ref("fct_cohorts") }}),

    cohorts_rated as (
        select
            cohort_month,
            age_months,
            leads,
            opportunities_cum,
            orders_cum,
            -- a rate that can still rise is no rate yet
            case
                when is_mature then cast(opportunities_cum as double) / nullif(leads, 0)
            end as opp_rate_cum,
            is_mature
        from cohorts
    )

select *
from cohorts_rated
