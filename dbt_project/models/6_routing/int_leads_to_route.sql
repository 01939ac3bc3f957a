with

    people as (select * from {{ ref("dim_people") }}),

    companies as (select * from {{ ref("dim_companies") }}),

    leads_asking as (select * from {{ ref("int_leads_asking") }}),

    leads_ripened as (select * from {{ ref("int_leads_ripened") }}),

    scores as (select * from {{ ref("fct_lead_scores") }}),

    interests as (select * from {{ ref("fct_lead_interests") }}),

    areas as (select * from {{ ref("areas") }}),

    touches as (select * from {{ ref("fct_touches") }}),

    first_orders as (
        select people.company_id, min(touches.occurred_at) as first_order_at
        from touches
        inner join people on touches.person_id = people.person_id
        where touches.touch_type = 'order_placed' and people.company_id is not null
        group by people.company_id
    ),

    -- who asked is routed for what they asked, even if the score came first
    triggers as (
        select
            people.person_id,
            people.company_id,
            coalesce(people.industry, companies.industry) as account,
            coalesce(people.prefecture, companies.prefecture) as prefecture,
            leads_asking.person_id is not null as has_asked,
            coalesce(
                leads_asking.trigger_touch_id, leads_ripened.trigger_touch_id
            ) as trigger_touch_id,
            coalesce(
                leads_asking.trigger_touch_type, leads_ripened.trigger_touch_type
            ) as trigger_touch_type,
            coalesce(leads_asking.routed_at, leads_ripened.routed_at) as routed_at,
            leads_asking.form_kind,
            leads_asking.product_id,
            leads_asking.solution_id,
            leads_ripened.score_band
        from people
        left join companies on people.company_id = companies.company_id
        left join leads_asking on people.person_id = leads_asking.person_id
        left join leads_ripened on people.person_id = leads_ripened.person_id
        where not people.is_internal
    ),

    leads_to_route as (
        select
            triggers.person_id,
            triggers.has_asked,
            triggers.trigger_touch_id,
            triggers.trigger_touch_type,
            triggers.routed_at,
            triggers.form_kind,
            coalesce(triggers.product_id, top_products.interest_id) as product_id,
            coalesce(triggers.solution_id, top_solutions.interest_id) as solution_id,
            triggers.account,
            areas.area,
            coalesce(
                first_orders.first_order_at < triggers.routed_at, false
            ) as is_existing_company,
            coalesce(triggers.score_band, scores.score_band) as score_band
        from triggers
        left join areas on triggers.prefecture = areas.prefecture
        left join first_orders on triggers.company_id = first_orders.company_id
        left join scores on triggers.person_id = scores.person_id
        left join
            interests as top_products
            on triggers.person_id = top_products.person_id
            and top_products.interest_kind = 'product'
            and top_products.interest_rank = 1
        left join
            interests as top_solutions
            on triggers.person_id = top_solutions.person_id
            and top_solutions.interest_kind = 'solution'
            and top_solutions.interest_rank = 1
        where triggers.routed_at is not null
    )

select *
from leads_to_route
