{# K25: each wait for an order: from the form to the first one, and from each to the next; an open one has no order yet. #}
with

    leads as (select * from {{ ref("int_leads_acquired") }}),

    orders as (select * from {{ ref("fct_orders") }}),

    orders_of_people as (
        select
            person_id,
            ordered_at,
            lead(ordered_at) over (
                partition by person_id order by ordered_at, order_id
            ) as next_ordered_at
        from orders
        where person_id is not null
    ),

    first_orders as (
        select person_id, min(ordered_at) as ordered_at
        from orders_of_people
        group by person_id
    )

select
    leads.person_id,
    'no_order' as standing,
    leads.lead_at as waits_from,
    first_orders.ordered_at as ordered_at
from leads
left join first_orders on leads.person_id = first_orders.person_id
where first_orders.ordered_at is null or first_orders.ordered_at >= leads.lead_at
union all
select person_id, 'customer', ordered_at, next_ordered_at
from orders_of_people
