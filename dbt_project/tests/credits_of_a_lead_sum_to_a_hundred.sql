{#
  What fails: a routed lead whose shares of credit do not sum to 100 per cent.
  Why it matters: routing touches the pay of sales people (RT10); what is given twice or lost is found out by them.
#}
with

    routes as (select * from {{ ref("fct_lead_routes") }}),

    credits as (select * from {{ ref("fct_lead_credits") }}),

    credits_summed as (
        select routes.route_id, coalesce(sum(credits.credit_pct), 0) as credit_pct
        from routes
        left join credits on routes.route_id = credits.route_id
        group by routes.route_id
    )

select *
from credits_summed
where credit_pct <> 100
