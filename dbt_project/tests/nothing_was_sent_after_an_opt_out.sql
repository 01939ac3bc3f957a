{{ config(severity="warn") }}
{#
  What fails: a row that left for another system more than an hour after we had read that its person said no.
  Why it matters: a refusal that comes too late is excusable, one that was known and ignored is not (CN05). The hour is
  that of the run which reads the refusal. It warns and does not stop the build: what was sent cannot be taken back by
  keeping the pages old.
#}
with

    ledger_rows as (select * from {{ source("activation", "rows") }}),

    attempts as (select * from {{ source("activation", "attempts") }}),

    consents as (select * from {{ ref("fct_consents") }}),

    lead_consents as (
        select *
        from {{ ref("lead_consents") }}
        where channel = 'email' and status = 'denied'
    ),

    statements_loaded as (
        select row_key, loaded_at
        from {{ source("raw_forms", "submissions") }}
        union all
        select row_key, loaded_at
        from {{ source("raw_email", "events") }}
    ),

    refusals as (
        select lead_consents.person_id, min(statements_loaded.loaded_at) as known_at
        from lead_consents
        inner join
            consents on lead_consents.consent_event_id = consents.consent_event_id
        inner join statements_loaded on consents.row_key = statements_loaded.row_key
        group by lead_consents.person_id
    ),

    sent_too_late as (
        select attempts.attempt_id, attempts.sync, attempts.key, attempts.started_at
        from attempts
        inner join
            ledger_rows
            on attempts.sync = ledger_rows.sync
            and attempts.key = ledger_rows.key
        inner join refusals on ledger_rows.person_id = refusals.person_id
        where
            attempts.op <> 'remove'
            and attempts.started_at > {{ plus_minutes("refusals.known_at", 60) }}
    )

select *
from sent_too_late
