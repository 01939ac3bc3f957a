with

    routes as (select * from {{ ref("fct_lead_routes") }}),

    leads as (select * from {{ ref("int_leads_to_route") }}),

    lead_units as (select * from {{ ref("int_lead_units") }}),

    choices as ({{ rules_ranked("leads", "lead_units", "person_id") }}),

    route_alternatives as (
        select
            routes.route_id,
            routes.person_id,
            cast(choices.rule_rank as integer) as rule_rank,
            choices.rule_id,
            choices.owner_unit_id,
            choices.rule_rank = 1 as is_taken,
            choices.why
        from routes
        inner join choices on routes.person_id = choices.person_id
    )

select *
from route_alternatives
