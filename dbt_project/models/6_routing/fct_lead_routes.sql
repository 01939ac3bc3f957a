with

    leads as (select * from {{ ref("int_leads_to_route") }}),

    lead_units as (select * from {{ ref("int_lead_units") }}),

    rules as (select * from {{ ref("int_rules_in_force") }}),

    score_bands as (select * from {{ ref("score_bands") }} where band_kind = 'total'),

    rules_fitting as (
        select leads.person_id, rules.*
        from leads
        cross join rules
        left join score_bands as bands on leads.score_band = bands.band
        left join score_bands as bars on rules.min_score_band = bars.band
        where
            -- a rule with a bar is for those who reached it, one without for those who
            -- asked: silent readers are not disturbed by sales (SG22)
            case
                when rules.min_score_band is null
                then leads.has_asked
                else bands.min_score >= bars.min_score
            end
            and (rules.form_kind is null or rules.form_kind = leads.form_kind)
            and (rules.product_id is null or rules.product_id = leads.product_id)
            and (rules.solution_id is null or rules.solution_id = leads.solution_id)
            and (rules.account is null or rules.account = leads.account)
            and (rules.area is null or rules.area = leads.area)
            and (
                rules.is_existing_company is null
                or rules.is_existing_company = leads.is_existing_company
            )
    ),

    -- a rule names a unit, or a place of the structure, or leaves it to precedence
    owners_found as (
        select
            rules_fitting.person_id,
            rules_fitting.rule_id,
            rules_fitting.why,
            coalesce(
                rules_fitting.accountable_unit_id, lead_units.unit_id
            ) as owner_unit_id,
            row_number() over (
                partition by rules_fitting.person_id
                order by rules_fitting.priority, rules_fitting.rule_id
            ) as rule_rank
        from rules_fitting
        left join
            lead_units
            on rules_fitting.person_id = lead_units.person_id
            and rules_fitting.accountable_unit_id is null
            and (
                (
                    rules_fitting.accountable_cut = lead_units.place
                    and lead_units.answers_for_place
                )
                or (rules_fitting.accountable_cut is null and lead_units.comes_first)
            )
        where
            coalesce(rules_fitting.accountable_unit_id, lead_units.unit_id) is not null
    ),

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
