-- E5. In every model the credits are the outcomes, and the yen those of the orders,
-- to the last digit.
with

    credited as (
        select
            model_id,
            outcome_kind,
            sum(outcomes) as outcomes,
            sum(revenue_jpy) as revenue_jpy
        from {{ ref("fct_attribution") }}
        group by model_id, outcome_kind
    ),

    counted as (
        select
            'opportunity' as outcome_kind,
            count(*) as outcomes,
            cast(0 as decimal(18, 2)) as revenue_jpy
        from {{ ref("fct_opportunities") }}
        union all
        select 'order', count(*), coalesce(sum(amount_jpy), 0)
        from {{ ref("fct_orders") }}
    )

select credited.*
from credited
inner join counted on credited.outcome_kind = counted.outcome_kind
where
    credited.outcomes <> counted.outcomes or credited.revenue_jpy <> counted.revenue_jpy
