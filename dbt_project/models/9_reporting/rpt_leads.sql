with

    people as (select * from {{ ref("dim_people") }}),

    scores as (select * from {{ ref("fct_lead_scores") }}),

    tier_history as (select * from {{ ref("fct_tier_history") }}),

    lead_states as (select * from {{ ref("fct_lead_states") }}),

    routes as (select * from {{ ref("fct_lead_routes") }}),

    sales_units as (select * from {{ ref("sales_units") }}),

    routing_rules as (select * from {{ ref("routing_rules") }}),

    touches as (select * from {{ ref("fct_touches") }}),

    last_touches as (
        select person_id, max(occurred_at) as last_touch_at
        from touches
        where person_id is not null and not is_machine
        group by person_id
    ),

    leads as (
        select
            people.person_id,
            people.display_name,
            people.company_name,
            people.department,
            people.position,
            people.email,
            people.phone,
            tier_history.tier,
            lead_states.state,
            scores.fit_score,
            scores.behaviour_score,
            scores.total_score,
            scores.grade,
            scores.score_band,
            last_touches.last_touch_at,
            routes.owner_unit_id,
            sales_units.name_ja as owner_unit_name_ja,
            sales_units.name_en as owner_unit_name_en,
            routes.routed_at,
            routes.rule_id as route_rule_id,
            routing_rules.name_ja as route_rule_name_ja,
            routing_rules.name_en as route_rule_name_en,
            routing_rules.why_ja as route_why_ja,
            routing_rules.why as route_why_en
        from people
        left join scores on people.person_id = scores.person_id
        left join
            tier_history
            on people.person_id = tier_history.person_id
            and tier_history.valid_to is null
        left join lead_states on people.person_id = lead_states.person_id
        left join last_touches on people.person_id = last_touches.person_id
        left join routes on people.person_id = routes.person_id
        left join sales_units on routes.owner_unit_id = sales_units.unit_id
        left join routing_rules on routes.rule_id = routing_rules.rule_id
        where not people.is_internal
    )

select *
from leads
