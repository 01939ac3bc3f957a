with

    orders as (select * from {{ source("raw_crm", "orders") }}),

    known as (
        select *
        from orders
        where
            occurrence = 1
            and order_id is not null
            and {{ known_by_then("ordered_at") }}
            and {{ known_by_then("updated_at") }}
    ),

    versions_ranked as (
        select
            *,
            row_number() over (
                partition by order_id order by updated_at desc nulls last, row_key
            ) as version_rank
        from known
    ),

    orders_current as (
        select
            row_key,
            order_id,
            opportunity_id,
            lead_id,
            email,
            product_id,
            amount_jpy,
            gross_margin_jpy,
            ordered_at,
            updated_at
        from versions_ranked
        where version_rank = 1
    )

select *
from orders_current
