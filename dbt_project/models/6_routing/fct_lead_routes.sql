with

    leads as (select * from {{ ref("int_leads_to_route") }}),

    lead_units as (select * from {{ ref("int_lead_units") }}),

    owners_found as ({{ rules_ranked("leads", "lead_units", "person_id") }}),

    informed as (
        select
            owners_found.person_id,
            {{ text_list("lead_units.unit_id", ",", "lead_units.unit_id") }}
            as informed_unit_ids
        from owners_found
        inner join
            lead_units
            on owners_found.person_id = lead_units.person_id
            and owners_found.owner_unit_id <> lead_units.unit_id
        where owners_found.rule_rank = 1
        group by owners_found.person_id
    ),

    routes as (
        select
            {{ surrogate_key(["leads.trigger_touch_id"]) }} as route_id,
            leads.person_id,
            owners_found.owner_unit_id,
            owners_found.rule_id,
            '{{ var("sales_structure") }}' as structure_id,
            informed.informed_unit_ids,
            leads.product_id,
            leads.solution_id,
            leads.area,
            leads.account,
            leads.score_band,
            leads.is_existing_company,
            leads.is_known_department,
            leads.is_known_person,
            leads.has_bought_product,
            leads.is_interest_ambiguous,
            leads.relation,
            owners_found.decider,
            leads.trigger_touch_id,
            leads.trigger_touch_type,
            leads.routed_at,
            owners_found.why
        from leads
        inner join
            owners_found
            on leads.person_id = owners_found.person_id
            and owners_found.rule_rank = 1
        left join informed on leads.person_id = informed.person_id
    )

select *
from routes
