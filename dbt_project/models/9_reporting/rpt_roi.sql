{# Cost to margin by campaign, channel, form kind, product, unit and month of the lead; the cheapest order first. #}
with

    returns as (select * from {{ ref("fct_returns") }}),

    campaigns as (select * from {{ ref("fct_roi") }}),

    units as (select * from {{ ref("sales_units") }}),

    form_kinds as (select * from {{ ref("form_kinds") }})

select
    returns.return_id,
    returns.cut,
    returns.member_id,
    coalesce(
        campaigns.campaign_name, units.name_ja, form_kinds.name_ja, returns.member_id
    ) as member_name_ja,
    coalesce(
        campaigns.campaign_name, units.name_en, form_kinds.name_en, returns.member_id
    ) as member_name_en,
    returns.currency,
    returns.cost_media_jpy,
    returns.cost_event_jpy,
    returns.cost_labour_jpy,
    returns.cost_jpy,
    returns.leads,
    returns.opportunities,
    returns.orders,
    returns.revenue_jpy,
    returns.margin_jpy,
    cast(returns.margin_jpy - returns.cost_jpy as double)
    / nullif(cast(returns.cost_jpy as double), 0) as roi,
    cast(nullif(returns.cost_jpy, 0) as double)
    / nullif(returns.leads, 0) as cost_per_lead_jpy,
    cast(nullif(returns.cost_jpy, 0) as double)
    / nullif(returns.orders, 0) as cost_per_order_jpy,
    returns.is_mature
from returns
left join
    campaigns on returns.cut = 'campaign' and returns.member_id = campaigns.campaign_id
left join units on returns.cut = 'unit' and returns.member_id = units.unit_id
left join
    form_kinds on returns.cut = 'form_kind' and returns.member_id = form_kinds.form_kind
