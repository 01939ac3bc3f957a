with

    kpi_daily as (select * from {{ ref("fct_kpi_daily") }}),

    months as (
        select
            kpi_month as month,
            cast(sum(visitors) as double) as visitors,
            cast(sum(leads_new) as double) as leads_new,
            cast(sum(opportunities) as double) as opportunities
        from kpi_daily
        group by kpi_month
    ),

    factors as (
        select
            *,
            leads_new / nullif(visitors, 0) as action_rate,
            opportunities / nullif(leads_new, 0) as opportunity_rate
        from months
    ),

    comparisons as (
        select 'former_month' as compared_with, 1 as months_before
        union all
        select 'former_year' as compared_with, 12 as months_before
    ),

    pairs as (
        select
            comparisons.compared_with,
            later.month,
            earlier.month as compared_month,
            earlier.visitors as visitors_before,
            later.visitors,
            earlier.action_rate as action_rate_before,
            later.action_rate,
            earlier.opportunity_rate as opportunity_rate_before,
            later.opportunity_rate,
            earlier.opportunities as opportunities_before,
            later.opportunities
        from factors as later
        cross join comparisons
        inner join
            factors as earlier
            on {{ dbt.dateadd("month", "comparisons.months_before", "earlier.month") }}
            = later.month
        -- a month without visitors or leads has no rates, and the product says
        -- nothing of it
        where
            later.action_rate is not null
            and later.opportunity_rate is not null
            and earlier.action_rate is not null
            and earlier.opportunity_rate is not null
    ),

    {%- set before = [
        "visitors_before",
        "action_rate_before",
        "opportunity_rate_before",
    ] %}
    {%- set after = ["visitors", "action_rate", "opportunity_rate"] %}

    changes as (
        select
            {{ surrogate_key(["compared_with", "month"]) }} as change_id,
            compared_with,
            month,
            compared_month,
            cast(opportunities_before as bigint) as opportunities_before,
            cast(opportunities as bigint) as opportunities,
            cast(
                {{ shapley_of_three(before, after, 0) }} as decimal(18, 6)
            ) as by_visitors,
            cast(
                {{ shapley_of_three(before, after, 1) }} as decimal(18, 6)
            ) as by_action_rate,
            cast(
                {{ shapley_of_three(before, after, 2) }} as decimal(18, 6)
            ) as by_opportunity_rate
        from pairs
    )

select *
from changes
