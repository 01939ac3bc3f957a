with

    orders as (select * from {{ ref("stg_crm__orders") }}),
    opportunities as (select * from {{ ref("stg_crm__opportunities") }}),
    identifiers as (select * from {{ ref("person_identifiers") }}),
    spans as (select * from {{ ref("employment_spans") }}),

    orders_of_people as (
        select
            orders.order_id, orders.product_id, orders.ordered_at, identifiers.person_id
        from orders
        left join opportunities on orders.opportunity_id = opportunities.opportunity_id
        inner join
            identifiers
            on coalesce(
                'crm_lead:' || coalesce(orders.lead_id, opportunities.lead_id),
                'email:' || orders.email
            )
            = identifiers.identifier
    )

select
    orders_of_people.order_id,
    orders_of_people.person_id,
    spans.company_id,
    orders_of_people.product_id,
    orders_of_people.ordered_at
from orders_of_people
left join
    spans
    on orders_of_people.person_id = spans.person_id
    and orders_of_people.ordered_at >= spans.span_from
    and orders_of_people.ordered_at < spans.span_to
