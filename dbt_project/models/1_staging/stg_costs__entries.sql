with

    entries as (select * from {{ source("raw_costs", "entries") }}),

    -- Two equal payments of one day are two payments: money keeps every occurrence,
    -- or the sums would not be the
    -- ledger's. (Everything else counts an exact repeat once.)
    known as (
        select * from entries where {{ known_by_then(day_begins_at("cost_on")) }}
    ),

    entries_typed as (
        select
            row_key, campaign_id, campaign_name, channel, cost_kind, cost_on, amount_jpy
        from known
    )

select *
from entries_typed
