with

    outcomes as (select * from {{ ref("fct_lead_outcomes") }}),

    ages as (
        select cast(generated_number as integer) as age_months
        from ({{ dbt.generate_series(var("cohort_months")) }}) as numbers
    ),

    cohorts as (
        select
            outcomes.lead_month as cohort_month,
            ages.age_months,
            cast(count(*) as bigint) as leads,
            cast(
                count(*) filter (
                    where outcomes.opportunity_age_months <= ages.age_months
                ) as bigint
            ) as opportunities_cum,
            cast(
                count(*) filter (
                    where outcomes.order_age_months <= ages.age_months
                ) as bigint
            ) as orders_cum
        from outcomes
        cross join ages
        group by outcomes.lead_month, ages.age_months
    ),

    -- the triangle: no row for ages that nobody of the cohort can have reached, and
    -- mature only when the youngest lead of the month has
    cohorts_reached as (
        select
            *,
            {{ dbt.dateadd("month", "age_months + 1", "cohort_month") }}
            <= {{ dbt.dateadd("day", 1, as_of_date()) }} as is_mature
        from cohorts
        where
            {{ dbt.dateadd("month", "age_months - 1", "cohort_month") }}
            <= {{ as_of_date() }}
    )

select *
from cohorts_reached
