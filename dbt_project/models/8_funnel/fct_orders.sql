with

    crm_orders as (select * from {{ ref("stg_crm__orders") }}),

    crm_opportunities as (select * from {{ ref("stg_crm__opportunities") }}),

    person_identifiers as (select * from {{ ref("person_identifiers") }}),

    leads as (select * from {{ ref("int_leads_acquired") }}),

    person_campaigns as (select * from {{ ref("int_person_campaigns") }}),

    -- an order names its lead, or its deal does, or an address stands on it
    orders_named as (
        select
            crm_orders.order_id,
            coalesce(
                by_lead.person_id, by_opportunity.person_id, by_email.person_id
            ) as person_id,
            crm_orders.opportunity_id,
            crm_orders.product_id,
            crm_orders.ordered_at,
            crm_orders.amount_jpy,
            crm_orders.gross_margin_jpy,
            crm_orders.row_key
        from crm_orders
        left join
            crm_opportunities
            on crm_orders.opportunity_id = crm_opportunities.opportunity_id
        left join
            person_identifiers as by_lead
            on 'crm_lead:' || crm_orders.lead_id = by_lead.identifier
        left join
            person_identifiers as by_opportunity
            on 'crm_lead:' || crm_opportunities.lead_id = by_opportunity.identifier
        left join
            person_identifiers as by_email
            on 'email:' || crm_orders.email = by_email.identifier
    ),

    orders as (
        select
            orders_named.order_id,
            orders_named.person_id,
            orders_named.opportunity_id,
            orders_named.product_id,
            orders_named.ordered_at,
            {{ local_date("orders_named.ordered_at") }} as ordered_on,
            {{ local_month("orders_named.ordered_at") }} as ordered_month,
            orders_named.amount_jpy,
            orders_named.gross_margin_jpy,
            orders_named.row_key,
            person_campaigns.campaign_id,
            coalesce(leads.form_kind, 'none') as form_kind,
            coalesce(leads.channel, 'none') as channel,
            leads.lead_on,
            coalesce(
                {{ local_date("orders_named.ordered_at") }} >= leads.lead_on, false
            ) as is_after_lead
        from orders_named
        left join leads on orders_named.person_id = leads.person_id
        left join
            person_campaigns on orders_named.person_id = person_campaigns.person_id
    )

select *
from orders
