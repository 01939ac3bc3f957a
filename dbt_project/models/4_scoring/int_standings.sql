{# How each person stands with sales: a deal under way, a customer without one, or a lead. #}
with

    people as (select * from {{ ref("dim_people") }}),
    opportunities as (select * from {{ ref("stg_crm__opportunities") }}),
    identifiers as (select * from {{ ref("person_identifiers") }}),
    touches as (select * from {{ ref("fct_touches") }}),

    people_with_deals as (
        select distinct identifiers.person_id
        from opportunities
        inner join
            identifiers on 'crm_lead:' || opportunities.lead_id = identifiers.identifier
        where opportunities.closed_at is null
    ),

    buyers as (
        select distinct person_id
        from touches
        where touch_type = 'order_placed' and person_id is not null
    ),

    standings as (
        select
            people.person_id,
            case
                when people_with_deals.person_id is not null
                then 'open_deal'
                when buyers.person_id is not null
                then 'customer'
                else 'lead'
            end as standing
        from people
        left join people_with_deals on people.person_id = people_with_deals.person_id
        left join buyers on people.person_id = buyers.person_id
    )

select *
from standings
