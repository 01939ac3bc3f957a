with

    costs as (select * from {{ ref("stg_costs__entries") }}),

    leads as (select * from {{ ref("int_leads_acquired") }}),

    opportunities as (select * from {{ ref("fct_opportunities") }}),

    orders as (select * from {{ ref("fct_orders") }}),

    -- one line of zero keeps the remainder row there, even when nothing remains
    ledger_lines as (
        select
            '(unattributed)' as campaign_id,
            cast(0 as decimal(18, 2)) as cost_jpy,
            0 as leads,
            0 as opportunities,
            0 as orders,
            cast(0 as decimal(18, 2)) as revenue_jpy,
            cast(0 as decimal(18, 2)) as margin_jpy
        union all
        select coalesce(campaign_id, '(unattributed)'), amount_jpy, 0, 0, 0, 0, 0
        from costs
        union all
        select coalesce(campaign_id, '(unattributed)'), 0, 1, 0, 0, 0, 0
        from leads
        union all
        select coalesce(campaign_id, '(unattributed)'), 0, 0, 1, 0, 0, 0
        from opportunities
        union all
        select
            coalesce(campaign_id, '(unattributed)'),
            0,
            0,
            0,
            1,
            amount_jpy,
            gross_margin_jpy
        from orders
    ),

    names_ranked as (
        select
            campaign_id,
            campaign_name,
            channel,
            row_number() over (
                partition by campaign_id
                order by cost_on desc nulls last, campaign_name, channel, row_key
            ) as newest_first
        from costs
    ),

    campaigns_summed as (
        select
            campaign_id,
            cast(coalesce(sum(cost_jpy), 0) as decimal(18, 2)) as cost_jpy,
            cast(sum(leads) as bigint) as leads,
            cast(sum(opportunities) as bigint) as opportunities,
            cast(sum(orders) as bigint) as orders,
            cast(coalesce(sum(revenue_jpy), 0) as decimal(18, 2)) as revenue_jpy,
            cast(coalesce(sum(margin_jpy), 0) as decimal(18, 2)) as margin_jpy
        from ledger_lines
        group by campaign_id
    ),

    campaigns as (
        select
            campaigns_summed.campaign_id,
            coalesce(
                names_ranked.campaign_name, campaigns_summed.campaign_id
            ) as campaign_name,
            coalesce(names_ranked.channel, 'unknown') as channel,
            campaigns_summed.cost_jpy,
            campaigns_summed.leads,
            campaigns_summed.opportunities,
            campaigns_summed.orders,
            campaigns_summed.revenue_jpy,
            campaigns_summed.margin_jpy
        from campaigns_summed
        left join
            names_ranked
            on campaigns_summed.campaign_id = names_ranked.campaign_id
            and names_ranked.newest_first = 1
    )

select *
from campaigns
