with

    kpi_daily as (select * from {{ ref("fct_kpi_daily") }}),

    cohorts as (select * from {{ ref("fct_cohorts") }}),

    outcomes as (select * from {{ ref("fct_lead_outcomes") }}),

    opportunities as (select * from {{ ref("fct_opportunities") }}),

    months as (
        select
            kpi_month as month,
            cast(sum(visitors) as bigint) as visitors,
            cast(sum(form_passes) as bigint) as form_passes,
            cast(sum(leads_person) as bigint) as leads_person,
            cast(sum(leads_new) as bigint) as leads_new,
            cast(sum(opportunities) as bigint) as opportunities,
            cast(sum(orders) as bigint) as orders,
            cast(sum(revenue_jpy) as decimal(18, 2)) as revenue_jpy,
            cast(
                sum(visitors_machine + visitors_internal) as bigint
            ) as visitors_excluded,
            cast(
                sum(form_passes_machine + form_passes_internal) as bigint
            ) as form_passes_excluded
        from kpi_daily
        group by kpi_month
    ),

    -- clock: the month in which the lead came
    months_of_leads as (
        select
            lead_month as month,
            cast(avg(months_to_opportunity) as double) as mean_months_to_opp
        from outcomes
        group by lead_month
    ),

    -- clock: the month in which the deal was opened, as the article has it
    months_of_deals as (
        select
            created_month as month,
            cast(avg(months_to_opportunity) as double) as mean_months_to_opp_period
        from opportunities
        group by created_month
    ),

    kpis as (
        select
            months.month,
            months.visitors,
            months.form_passes,
            months.leads_person,
            months.leads_new,
            months.opportunities,
            months.orders,
            months.revenue_jpy,
            months.visitors_excluded,
            months.form_passes_excluded,
            cast(months.form_passes as double)
            / nullif(months.visitors, 0) as action_rate_literal,
            cast(months.leads_person as double)
            / nullif(months.visitors, 0) as action_rate_person,
            cast(months.leads_new as double)
            / nullif(months.visitors, 0) as action_rate_new,
            cast(months.opportunities as double)
            / nullif(months.leads_new, 0) as opp_rate_period,
            case
                when cohorts.is_mature
                then
                    cast(cohorts.opportunities_cum as double) / nullif(cohorts.leads, 0)
            end as opp_rate_cohort_3m,
            months_of_leads.mean_months_to_opp,
            months_of_deals.mean_months_to_opp_period,
            coalesce(
                cohorts.is_mature,
                {{ dbt.dateadd("month", 4, "months.month") }}
                <= {{ dbt.dateadd("day", 1, as_of_date()) }}
            ) as is_mature
        from months
        left join
            cohorts on months.month = cohorts.cohort_month and cohorts.age_months = 3
        left join months_of_leads on months.month = months_of_leads.month
        left join months_of_deals on months.month = months_of_deals.month
    )

select *
from kpis
