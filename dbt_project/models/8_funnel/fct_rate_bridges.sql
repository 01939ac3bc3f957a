with

    triangle as (select * from {{ ref("fct_lead_triangle") }}),

    leads as (select * from {{ ref("int_leads_acquired") }}),

    cohorts as (
        select lead_month as cohort_month, cast(count(*) as double) as leads
        from leads
        group by lead_month
    ),

    horizons as (
        select cast(generated_number as integer) * 3 as horizon_months
        from ({{ dbt.generate_series(4) }}) as numbers
    ),

    -- the month itself, and the ages at which its own leads have been seen to the end
    months as (
        select
            cohorts.cohort_month as month,
            cohorts.leads,
            horizons.horizon_months,
            {{
                dbt.dateadd(
                    "month", "horizons.horizon_months + 1", "cohorts.cohort_month"
                )
            }} <= {{ dbt.dateadd("day", 1, as_of_date()) }} as is_mature
        from cohorts
        cross join horizons
    ),

    -- the deals opened in the month, by the cohort they came from
    deals_of_period as (
        select
            months.month,
            months.horizon_months,
            sum(triangle.opportunities) as opportunities,
            sum(
                case
                    when triangle.cohort_month is null
                    then triangle.opportunities
                    else 0
                end
            ) as outside,
            sum(
                case
                    when triangle.age_months > months.horizon_months
                    then triangle.opportunities
                    else 0
                end
            ) as late,
            sum(
                case
                    when triangle.age_months <= months.horizon_months
                    then
                        cast(
                            triangle.opportunities
                            * (1 - months.leads / cohorts.leads) as decimal(24, 12)
                        )
                    else 0
                end
            ) as by_growth,
            sum(
                case
                    when triangle.age_months <= months.horizon_months
                    then
                        cast(
                            triangle.opportunities
                            * months.leads
                            / cohorts.leads as decimal(24, 12)
                        )
                    else 0
                end
            ) as at_own_size
        from months
        inner join triangle on months.month = triangle.opportunity_month
        left join cohorts on triangle.cohort_month = cohorts.cohort_month
        group by months.month, months.horizon_months
    ),

    -- the deals that the month's own leads became, up to the horizon
    deals_of_cohort as (
        select
            months.month,
            months.horizon_months,
            sum(triangle.opportunities) as opportunities
        from months
        inner join triangle on months.month = triangle.cohort_month
        where triangle.age_months <= months.horizon_months
        group by months.month, months.horizon_months
    ),

    bridges as (
        select
            {{ surrogate_key(["months.month", "months.horizon_months"]) }} as bridge_id,
            months.month,
            months.horizon_months,
            cast(months.leads as bigint) as leads,
            months.is_mature,
            coalesce(deals_of_period.opportunities, 0) / months.leads as period_rate,
            coalesce(deals_of_cohort.opportunities, 0) / months.leads as cohort_rate,
            coalesce(deals_of_period.by_growth, 0) / months.leads as growth_effect,
            coalesce(deals_of_period.late, 0) / months.leads as lag_effect,
            coalesce(deals_of_period.outside, 0) / months.leads as outside_effect,
            (
                coalesce(deals_of_period.at_own_size, 0)
                - coalesce(deals_of_cohort.opportunities, 0)
            )
            / months.leads as true_change
        from months
        left join
            deals_of_period
            on months.month = deals_of_period.month
            and months.horizon_months = deals_of_period.horizon_months
        left join
            deals_of_cohort
            on months.month = deals_of_cohort.month
            and months.horizon_months = deals_of_cohort.horizon_months
    )

select *
from bridges
