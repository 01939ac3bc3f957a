{#
  SG10: how many sends people got in a month, and how many of them asked to hear no more. One row per month and band of
  sends; of a month's people only those count who got a send.
#}
with

    sends as (select * from {{ ref("fct_sends") }}),

    touches as (select * from {{ ref("fct_touches") }}),

    person_months as (
        select sent_month as month, person_id, count(*) as sends
        from sends
        where person_id is not null
        group by sent_month, person_id
    ),

    leaving as (
        select distinct person_id, {{ local_month("occurred_at") }} as month
        from touches
        where
            touch_type in ('email_unsubscribed', 'email_complained')
            and person_id is not null
            and not is_machine
    ),

    banded as (
        select
            person_months.month,
            person_months.sends,
            case
                when person_months.sends >= 8
                then 8
                when person_months.sends >= 4
                then 4
                when person_months.sends >= 2
                then 2
                else 1
            end as sends_from,
            leaving.person_id is not null as has_left
        from person_months
        left join
            leaving
            on person_months.person_id = leaving.person_id
            and person_months.month = leaving.month
    )

select
    {{ surrogate_key(["month", "sends_from"]) }} as pressure_id,
    month,
    cast(sends_from as integer) as sends_from,
    cast(count(*) as bigint) as people,
    cast(sum(sends) as bigint) as sends,
    cast(count(*) filter (where has_left) as bigint) as people_left
from banded
group by month, sends_from
