{#
  What fails: a run that says it had fewer answers than its attempts have, an attempt of no run, a row that the other side
  confirmed without anything to show for it, a reject that is no rejected row, an audit whose rows do not sum.
  Why it matters: these counts are what people are told was delivered; each must lead to its rows.
#}
with

    runs as (select * from {{ source("activation", "runs") }}),

    ledger_rows as (select * from {{ source("activation", "rows") }}),

    attempts as (select * from {{ source("activation", "attempts") }}),

    rejects as (select * from {{ source("activation", "rejects") }}),

    audits as (select * from {{ source("activation", "audits") }}),

    attempts_counted as (
        select run_id, sum(case when outcome = 'acked' then 1 else 0 end) as acked
        from attempts
        group by run_id
    ),

    rows_counted as (
        select sync, sum(case when state = 'rejected' then 1 else 0 end) as rejected
        from ledger_rows
        group by sync
    ),

    rejects_counted as (select sync, count(*) as rejected from rejects group by sync),

    broken as (
        select attempts_counted.run_id as thing, 'attempts of no run' as what
        from attempts_counted
        left join runs on attempts_counted.run_id = runs.run_id
        where runs.run_id is null
        union all
        select runs.run_id, 'more acknowledged attempts than the run says'
        from runs
        inner join attempts_counted on runs.run_id = attempts_counted.run_id
        where
            runs.status not in ('running', 'crashed')
            and attempts_counted.acked > runs.acked
        union all
        select sync || ' ' || key, 'confirmed without a hash of what was confirmed'
        from ledger_rows
        where state in ('acked', 'verified') and acked_hash is null
        union all
        select rows_counted.sync, 'rejects are not the rejected rows'
        from rows_counted
        left join rejects_counted on rows_counted.sync = rejects_counted.sync
        where rows_counted.rejected <> coalesce(rejects_counted.rejected, 0)
        union all
        select audit_id, 'the parts of an audit are not what was believed'
        from audits
        where
            status = 'done'
            and believed <> agreed + pending + closed + ghosts + edited + merged
    )

select *
from broken
