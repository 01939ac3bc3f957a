{{ config(severity="warn") }}
{#
  What fails: a row whose request may or may not have arrived, and that nobody settled since the day before the as-of day.
  Why it matters: doubt is settled by reading the key there, which each apply does first. A row that stays in doubt means
  that nobody applies, or that the other system cannot be read: somebody may be called twice or not at all.
#}
with

    ledger_rows as (select * from {{ source("activation", "rows") }}),

    in_doubt as (
        select sync, key, state, updated_at
        from ledger_rows
        where
            state in ('unknown', 'in_flight')
            and updated_at < {{ plus_minutes(as_of_end(), -2880) }}
    )

select *
from in_doubt
