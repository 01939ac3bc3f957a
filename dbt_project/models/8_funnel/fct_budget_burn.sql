{# What a campaign was to cost and has cost, month by month and so far. #}
with

    budgets as (select * from {{ ref("stg_costs__budgets") }}),
    costs as (select * from {{ ref("stg_costs__entries") }}),

    lines as (
        select
            coalesce(campaign_id, '(unattributed)') as campaign_id,
            cast(date_trunc('month', budget_on) as date) as month,
            amount_jpy as budget_jpy,
            cast(0 as decimal(18, 2)) as cost_jpy,
            expected_leads,
            expected_orders
        from budgets
        union all
        select
            coalesce(campaign_id, '(unattributed)'),
            cast(date_trunc('month', cost_on) as date),
            0,
            amount_jpy,
            0,
            0
        from costs
    ),

    months_summed as (
        select
            campaign_id,
            month,
            cast(sum(budget_jpy) as decimal(18, 2)) as budget_jpy,
            cast(sum(cost_jpy) as decimal(18, 2)) as cost_jpy,
            cast(coalesce(sum(expected_leads), 0) as bigint) as expected_leads,
            cast(coalesce(sum(expected_orders), 0) as bigint) as expected_orders
        from lines
        group by campaign_id, month
    ),

    months_added_up as (
        select
            *,
            cast(
                sum(budget_jpy) over (
                    partition by campaign_id
                    order by month
                    rows between unbounded preceding and current row
                ) as decimal(18, 2)
            ) as budget_cum_jpy,
            cast(
                sum(cost_jpy) over (
                    partition by campaign_id
                    order by month
                    rows between unbounded preceding and current row
                ) as decimal(18, 2)
            ) as cost_cum_jpy
        from months_summed
    )

-- A campaign without a budget burns nothing of one: its rate is empty, not infinite.
select
    *,
    cost_cum_jpy > budget_cum_jpy and budget_cum_jpy > 0 as is_over_budget,
    cast(cost_cum_jpy as double)
    / nullif(cast(budget_cum_jpy as double), 0) as burn_rate
from months_added_up
