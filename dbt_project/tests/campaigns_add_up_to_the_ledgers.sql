{#
  What fails: cost, orders, revenue or margin summed over campaigns differs from the ledgers they came from.
  Why it matters: return on investment is only believed while its parts add up to the money that was really spent and
  earned (K14). The row (unattributed) holds what no campaign explains.
#}
with

    roi as (select * from {{ ref("fct_roi") }}),

    costs as (select * from {{ ref("stg_costs__entries") }}),

    orders as (select * from {{ ref("stg_crm__orders") }}),

    opportunities as (select * from {{ ref("stg_crm__opportunities") }}),

    sums as (
        select
            (select coalesce(sum(cost_jpy), 0) from roi) as cost_jpy,
            (select coalesce(sum(amount_jpy), 0) from costs) as ledger_cost_jpy,
            (select coalesce(sum(revenue_jpy), 0) from roi) as revenue_jpy,
            (select coalesce(sum(amount_jpy), 0) from orders) as ledger_revenue_jpy,
            (select coalesce(sum(margin_jpy), 0) from roi) as margin_jpy,
            (
                select coalesce(sum(gross_margin_jpy), 0) from orders
            ) as ledger_margin_jpy,
            (select coalesce(sum(opportunities), 0) from roi) as opportunities,
            (select count(*) from opportunities) as ledger_opportunities
    )

select *
from sums
where
    cost_jpy <> ledger_cost_jpy
    or revenue_jpy <> ledger_revenue_jpy
    or margin_jpy <> ledger_margin_jpy
    or opportunities <> ledger_opportunities
