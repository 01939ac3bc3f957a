with

    list_rows as (select * from {{ ref("stg_lists__rows") }}),
    records as (select * from {{ ref("record_identifiers") }}),
    activities as (select * from {{ ref("stg_crm__activities") }}),
    opportunities as (select * from {{ ref("stg_crm__opportunities") }}),
    orders as (select * from {{ ref("stg_crm__orders") }}),
    touch_types as (select * from {{ ref("touch_types") }}),

    touches as (
        -- A card is dated by its day only: it is set at the day's beginning and marked.
        select
            list_rows.row_key,
            records.identifier,
            {{ day_begins_at("list_rows.collected_on") }} as occurred_at,
            'day' as time_precision,
            'card_exchanged' as touch_type,
            cast(null as {{ dbt.type_string() }}) as product_id,
            list_rows.list_name as campaign_id,
            list_rows.list_name as detail,
            'lists' as source
        from list_rows
        left join
            records on list_rows.row_key = records.row_key and records.source = 'lists'
        where list_rows.collected_on is not null
        union all
        select
            activities.row_key,
            'crm_lead:'
            || coalesce(activities.lead_id, opportunities.lead_id) as identifier,
            activities.occurred_at,
            coalesce(activities.time_precision, 'second') as time_precision,
            touch_types.touch_type,
            null as product_id,
            null as campaign_id,
            activities.subject as detail,
            'crm' as source
        from activities
        left join
            opportunities on activities.opportunity_id = opportunities.opportunity_id
        inner join touch_types on activities.activity_type = touch_types.touch_type
        union all
        select
            row_key,
            'crm_lead:' || lead_id as identifier,
            created_at as occurred_at,
            'second' as time_precision,
            'opportunity_created' as touch_type,
            product_id,
            null as campaign_id,
            opportunity_name as detail,
            'crm' as source
        from opportunities
        where created_at is not null
        union all
        select
            orders.row_key,
            -- The order names its buyer, or its deal does, or there is only an address.
            coalesce(
                'crm_lead:' || coalesce(orders.lead_id, opportunities.lead_id),
                'email:' || orders.email
            ) as identifier,
            orders.ordered_at as occurred_at,
            'second' as time_precision,
            'order_placed' as touch_type,
            orders.product_id,
            null as campaign_id,
            orders.order_id as detail,
            'crm' as source
        from orders
        left join opportunities on orders.opportunity_id = opportunities.opportunity_id
    )

select *
from touches
