with

    roi as (select * from {{ ref("fct_roi") }}),

    campaigns as (
        select
            campaign_id,
            campaign_name,
            channel,
            cost_jpy,
            leads,
            opportunities,
            orders,
            revenue_jpy,
            margin_jpy,
            cast(margin_jpy - cost_jpy as double)
            / nullif(cast(cost_jpy as double), 0) as roi,
            -- what cost nothing is no cheap order but one whose cost nobody wrote down
            cast(nullif(cost_jpy, 0) as double) / nullif(orders, 0) as cost_per_order
        from roi
    )

select *
from campaigns
