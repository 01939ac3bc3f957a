with

    events as (select * from {{ ref("stg_email__events") }}),

    -- A mail that arrives later shows that the address lives.
    reports_ranked as (
        select
            recipient as email,
            event_type,
            occurred_at,
            row_number() over (
                partition by recipient order by occurred_at desc, event_type, row_key
            ) as newest_first
        from events
        where recipient is not null and event_type in ('bounced', 'delivered')
    )

select email, occurred_at as bounced_at
from reports_ranked
where newest_first = 1 and event_type = 'bounced'
