with

    burns as (select * from {{ ref("fct_budget_burn") }}),
    campaigns as (select * from {{ ref("fct_roi") }}),

    -- Of each campaign its newest month that is not to come: what was planned and
    -- spent until now.
    months_ranked as (
        select
            *,
            row_number() over (
                partition by campaign_id order by month desc
            ) as newest_first
        from burns
        where month <= {{ as_of_date() }}
    ),

    wholes as (
        select
            campaign_id,
            sum(budget_jpy) as budget_jpy,
            sum(expected_leads) as expected_leads,
            sum(expected_orders) as expected_orders
        from burns
        group by campaign_id
    ),

    budgets as (
        select
            months_ranked.campaign_id,
            campaigns.campaign_name,
            campaigns.channel,
            cast(wholes.budget_jpy as decimal(18, 2)) as budget_jpy,
            months_ranked.budget_cum_jpy,
            months_ranked.cost_cum_jpy,
            months_ranked.burn_rate,
            months_ranked.is_over_budget,
            cast(wholes.expected_leads as bigint) as expected_leads,
            campaigns.leads,
            cast(wholes.expected_orders as bigint) as expected_orders,
            campaigns.orders
        from months_ranked
        inner join wholes on months_ranked.campaign_id = wholes.campaign_id
        left join campaigns on months_ranked.campaign_id = campaigns.campaign_id
        where months_ranked.newest_first = 1
    )

select *
from budgets
