{# Cost and what it brought, by campaign, channel, form kind, product, unit and month of the lead (K13, K14, K26). #}
with

    returns as (select * from {{ ref("fct_returns") }}),

    costs as (select * from {{ ref("stg_costs__entries") }}),

    budgets as (select * from {{ ref("fct_budget_burn") }}),

    told as (
        select
            case
                when cut = 'cohort' and member_id <> '(none)'
                then cast(nullif(member_id, '(none)') as date)
                else {{ as_of_date() }}
            end as period,
            case when cut = 'cohort' then 'cohort' else cut end as segment_kind,
            member_id as segment_id,
            cost_jpy,
            leads,
            opportunities,
            orders,
            margin_jpy
        from returns
        union all
        select
            {{ as_of_date() }},
            'all',
            'all',
            sum(cost_jpy),
            sum(leads),
            sum(opportunities),
            sum(orders),
            sum(margin_jpy)
        from returns
        where cut = 'campaign'
    )

{%- for measure, column in {
        "returns_cost": "cost_jpy",
        "returns_leads": "leads",
        "returns_opportunities": "opportunities",
        "returns_orders": "orders",
        "returns_gain": "margin_jpy - cost_jpy",
    }.items() %}
    select
        '{{ measure }}' as measure,
        period,
        segment_kind,
        segment_id,
        {{ column }} as amount
    from told
    union all
{%- endfor %}
select
    'cost_jpy',
    cast(date_trunc('month', cost_on) as date),
    'all',
    'all',
    sum(amount_jpy)
from costs
group by 2
union all
select 'budget_jpy', month, 'all', 'all', sum(budget_jpy)
from budgets
where month <= {{ as_of_date() }}
group by month
