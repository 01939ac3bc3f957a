with

    budgets as (select * from {{ source("raw_costs", "budgets") }}),

    -- A budget is a plan and no deed: that of a month to come is known today. Money
    -- keeps every occurrence, as in the cost ledger.
    known as (select * from budgets where loaded_at <= {{ known_at() }}),

    budgets_typed as (
        select
            row_key,
            campaign_id,
            campaign_name,
            channel,
            cost_kind,
            budget_on,
            amount_jpy,
            expected_leads,
            expected_orders
        from known
    )

select *
from budgets_typed
