with

    roi as (select * from {{ ref("fct_roi") }}),

    attribution as (select * from {{ ref("fct_attribution") }}),

    models as (select * from {{ ref("attribution_models") }}),

    -- what a campaign's touchpoints are credited with; (none) joins the remainder row
    -- of the ledgers
    credits as (
        select
            model_id,
            case
                when campaign_id = '(none)' then '(unattributed)' else campaign_id
            end as campaign_id,
            sum(
                case when outcome_kind = 'opportunity' then outcomes else 0 end
            ) as opportunities,
            sum(case when outcome_kind = 'order' then outcomes else 0 end) as orders,
            sum(revenue_jpy) as revenue_jpy,
            sum(margin_jpy) as margin_jpy
        from attribution
        group by
            model_id,
            case when campaign_id = '(none)' then '(unattributed)' else campaign_id end
    ),

    places as (
        select models.model_id, roi.campaign_id
        from models
        cross join roi
        union
        select model_id, campaign_id
        from credits
    ),

    returns as (
        select
            places.model_id,
            places.campaign_id,
            coalesce(roi.campaign_name, places.campaign_id) as campaign_name,
            coalesce(roi.channel, 'unknown') as channel,
            coalesce(roi.cost_jpy, 0) as cost_jpy,
            coalesce(credits.opportunities, 0) as opportunities,
            coalesce(credits.orders, 0) as orders,
            coalesce(credits.revenue_jpy, 0) as revenue_jpy,
            coalesce(credits.margin_jpy, 0) as margin_jpy
        from places
        left join roi on places.campaign_id = roi.campaign_id
        left join
            credits
            on places.model_id = credits.model_id
            and places.campaign_id = credits.campaign_id
    )

select
    {{ surrogate_key(["model_id", "campaign_id"]) }} as campaign_return_id,
    *,
    cast(margin_jpy as double) / nullif(cast(cost_jpy as double), 0) - 1 as roi,
    cast(nullif(cost_jpy, 0) as double)
    / nullif(cast(orders as double), 0) as cost_per_order
from returns
