with

    triggers as (select * from {{ ref("int_lead_triggers") }}),

    relations as (select * from {{ ref("int_lead_relations") }}),

    claims as (select * from {{ ref("int_lead_claims") }}),

    recognitions as (select * from {{ ref("enquiry_recognitions") }}),

    people as (select * from {{ ref("dim_people") }}),

    scores as (select * from {{ ref("fct_lead_scores") }}),

    interests as (select * from {{ ref("fct_lead_interests") }}),

    touches as (select * from {{ ref("fct_touches") }}),

    parameters as (select * from {{ ref("routing_parameters") }}),

    orders as (
        select people.company_id, touches.product_id, touches.occurred_at
        from touches
        inner join people on touches.person_id = people.person_id
        where touches.touch_type = 'order_placed' and people.company_id is not null
    ),

    -- two products that are read about alike: one person decides, not two units (RT07)
    top_interests as (
        select
            person_id,
            interest_kind,
            max(case when interest_rank = 1 then interest_id end) as interest_id,
            max(case when interest_rank = 1 then points end) as points,
            max(case when interest_rank = 2 then points end) as next_points
        from interests
        where interest_rank <= 2
        group by person_id, interest_kind
    ),

    interests_judged as (
        select
            top_interests.person_id,
            top_interests.interest_kind,
            top_interests.interest_id,
            coalesce(
                top_interests.next_points * 100
                >= top_interests.points * (100 - parameters.amount)
                and top_interests.points > 0,
                false
            ) as is_close
        from top_interests
        inner join parameters on parameters.parameter = 'interest_margin_pct'
    ),

    leads as (
        select
            triggers.person_id,
            triggers.company_id,
            triggers.has_asked,
            triggers.trigger_touch_id,
            triggers.trigger_touch_type,
            triggers.routed_at,
            triggers.form_kind,
            coalesce(triggers.product_id, top_products.interest_id) as product_id,
            coalesce(triggers.solution_id, top_solutions.interest_id) as solution_id,
            triggers.account,
            triggers.area,
            triggers.product_id is null
            and coalesce(top_products.is_close, false) as is_interest_ambiguous,
            coalesce(relations.relation, 'none') as relation,
            coalesce(triggers.score_band, scores.score_band) as score_band,
            recognitions.is_known_department,
            recognitions.is_known_person
        from triggers
        left join touches as asked on triggers.trigger_touch_id = asked.touch_id
        left join recognitions on asked.row_key = recognitions.row_key
        left join relations on triggers.person_id = relations.person_id
        left join scores on triggers.person_id = scores.person_id
        left join
            interests_judged as top_products
            on triggers.person_id = top_products.person_id
            and top_products.interest_kind = 'product'
        left join
            interests_judged as top_solutions
            on triggers.person_id = top_solutions.person_id
            and top_solutions.interest_kind = 'solution'
    ),

    bought as (
        select
            leads.person_id,
            max(
                case when orders.product_id = leads.product_id then 1 else 0 end
            ) as products
        from leads
        inner join
            orders
            on leads.company_id = orders.company_id
            and orders.occurred_at < leads.routed_at
        group by leads.person_id
    ),

    -- the claim for this very product before one for all, then the narrower one
    claims_ranked as (
        select
            leads.person_id,
            claims.unit_id,
            claims.claim_id,
            row_number() over (
                partition by leads.person_id
                order by
                    case when claims.product_id is null then 1 else 0 end,
                    claims.scope_rank,
                    claims.claim_id
            ) as nearest_first
        from leads
        inner join
            claims
            on leads.person_id = claims.person_id
            and (claims.product_id is null or claims.product_id = leads.product_id)
    ),

    -- whoever is routed by the score is known by then; who asked, if she was known
    -- before the request
    leads_to_route as (
        select
            leads.person_id,
            leads.has_asked,
            leads.trigger_touch_id,
            leads.trigger_touch_type,
            leads.routed_at,
            leads.form_kind,
            leads.product_id,
            leads.solution_id,
            leads.account,
            leads.area,
            bought.person_id is not null as is_existing_company,
            coalesce(
                leads.is_known_department, not leads.has_asked
            ) as is_known_department,
            coalesce(leads.is_known_person, not leads.has_asked) as is_known_person,
            coalesce(bought.products, 0) = 1 as has_bought_product,
            leads.is_interest_ambiguous,
            leads.relation,
            claims_ranked.unit_id as claimed_unit_id,
            claims_ranked.claim_id,
            leads.score_band
        from leads
        left join
            claims_ranked
            on leads.person_id = claims_ranked.person_id
            and claims_ranked.nearest_first = 1
        left join bought on leads.person_id = bought.person_id
    )

select *
from leads_to_route
