{#
  What fails: cost, revenue, margin, orders, opportunities or leads summed over the members of a cut differ from the
  ledgers they came from. Why it matters: a campaign, a form or a unit is only credited rightly while nothing is lost or
  counted twice on the way (K14); what a cut does not explain stands in (none).
#}
with

    returns as (select * from {{ ref("fct_returns") }}),

    ledgers as (
        select
            (
                select coalesce(sum(amount_jpy), 0) from {{ ref("stg_costs__entries") }}
            ) as cost_jpy,
            (
                select coalesce(sum(amount_jpy), 0) from {{ ref("stg_crm__orders") }}
            ) as revenue_jpy,
            (
                select coalesce(sum(gross_margin_jpy), 0)
                from {{ ref("stg_crm__orders") }}
            ) as margin_jpy,
            (select count(*) from {{ ref("stg_crm__orders") }}) as orders,
            (select count(*) from {{ ref("stg_crm__opportunities") }}) as opportunities,
            (select count(*) from {{ ref("fct_lead_outcomes") }}) as leads
    ),

    sums as (
        select
            cut,
            sum(cost_jpy) as cost_jpy,
            sum(revenue_jpy) as revenue_jpy,
            sum(margin_jpy) as margin_jpy,
            sum(orders) as orders,
            sum(opportunities) as opportunities,
            sum(leads) as leads
        from returns
        group by cut
    )

select sums.cut
from sums
cross join ledgers
where
    sums.cost_jpy <> ledgers.cost_jpy
    or sums.revenue_jpy <> ledgers.revenue_jpy
    or sums.margin_jpy <> ledgers.margin_jpy
    or sums.orders <> ledgers.orders
    or sums.opportunities <> ledgers.opportunities
    or sums.leads <> ledgers.leads
