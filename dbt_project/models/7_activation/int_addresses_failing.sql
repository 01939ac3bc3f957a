with

    mail_events as (select * from {{ ref("stg_email__events") }}),

    suppressions as (select * from {{ ref("suppressing_events") }}),

    deliveries_ranked as (
        select
            mail_events.recipient as email,
            suppressions.reason,
            row_number() over (
                partition by mail_events.recipient
                order by
                    suppressions.is_final desc,
                    mail_events.occurred_at desc,
                    suppressions.reason nulls last,
                    mail_events.row_key
            ) as newest_first
        from mail_events
        inner join suppressions on mail_events.event_type = suppressions.event_type
        where mail_events.recipient is not null
    ),

    addresses_failing as (
        select email, reason
        from deliveries_ranked
        where newest_first = 1 and reason is not null
    )

select *
from addresses_failing
