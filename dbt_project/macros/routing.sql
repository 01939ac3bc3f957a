{#
  What routing does to anything that has a lead's attributes: real leads, and the cases of the whole attribute space that
  `ikusei routing check` walks. One text for both, so that the proof is about what runs.

  units_covering: the unit of each cut of the structure in force that covers a row of `leads`.
  rules_ranked:   the rules that fit a row and find a unit with the skill that the product asks for, the first one last
                  word (rule_rank 1).
  `id` is the key of `leads`.
#}
{% macro units_covering(leads, id) -%}
    select
        {{ id }},
        cut,
        place,
        unit_id,
        rank_in_place = 1 as answers_for_place,
        rank_of_lead = 1 as comes_first
    from
        (
            -- the outer unit answers for the place; the inner one where there is no
            -- outer
            select
                *,
                row_number() over (
                    partition by {{ id }}, place order by is_nested, unit_id
                ) as rank_in_place,
                row_number() over (
                    partition by {{ id }} order by precedence, is_nested, unit_id
                ) as rank_of_lead
            from
                (
                    -- a cut that stands inside another takes that one's place, not
                    -- one of its own
                    select
                        attributes.{{ id }},
                        attributes.cut,
                        coalesce(structures.contained_in, attributes.cut) as place,
                        structures.contained_in is not null as is_nested,
                        structures.precedence,
                        sales_units.unit_id
                    from
                        (
                            {%- for cut, column in [
                                ("area", "area"),
                                ("account", "account"),
                                ("solution", "solution_id"),
                                ("product", "product_id"),
                            ] %}
                                select
                                    {{ id }},
                                    '{{ cut }}' as cut,
                                    {{ column }} as attribute
                                from {{ leads }}
                                {%- if not loop.last %}
                                    union all
                                {%- endif %}
                            {%- endfor %}
                        ) as attributes
                    inner join
                        {{ ref("routing_structures") }} as structures
                        on attributes.cut = structures.cut
                        and structures.structure_id = '{{ var("sales_structure") }}'
                    inner join
                        {{ ref("sales_units") }} as sales_units
                        on attributes.cut = sales_units.cut
                        and ',' || sales_units.covers || ','
                        like '%,' || attributes.attribute || ',%'
                ) as units_of_cuts
        ) as units_ranked
{%- endmacro %}

{% macro rules_ranked(leads, units, id) -%}
    select
        rules_fitting.{{ id }},
        rules_fitting.rule_id,
        rules_fitting.priority,
        rules_fitting.decider,
        rules_fitting.why,
        coalesce(rules_fitting.unit_named, lead_units.unit_id) as owner_unit_id,
        row_number() over (
            partition by rules_fitting.{{ id }}
            order by rules_fitting.priority, rules_fitting.rule_id
        ) as rule_rank
    from
        (
            select
                leads.{{ id }},
                product_skills.skill as skill_needed,
                -- 'claim' is the unit that says the lead is its own
                case
                    when rules.accountable_cut = 'claim'
                    then leads.claimed_unit_id
                    else rules.accountable_unit_id
                end as unit_named,
                rules.*
            from {{ leads }} as leads
            cross join {{ ref("int_rules_in_force") }} as rules
            left join
                {{ ref("score_bands") }} as bands
                on leads.score_band = bands.band
                and bands.band_kind = 'total'
            left join
                {{ ref("score_bands") }} as bars
                on rules.min_score_band = bars.band
                and bars.band_kind = 'total'
            left join
                {{ ref("relation_levels") }} as relations
                on leads.relation = relations.relation
            left join
                {{ ref("relation_levels") }} as relations_asked
                on rules.min_relation = relations_asked.relation
            left join
                {{ ref("product_skills") }} as product_skills
                on leads.product_id = product_skills.product_id
            where
                -- a rule with a bar is for those who reached it, one without for
                -- those who
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
                {%- for flag in [
                    "is_existing_company",
                    "is_known_department",
                    "is_known_person",
                    "has_bought_product",
                    "is_interest_ambiguous",
                ] %}
                    and (
                        rules.{{ flag }} is null
                        or rules.{{ flag }} = coalesce(leads.{{ flag }}, false)
                    )
                {%- endfor %}
                and (
                    rules.is_claimed is null
                    or rules.is_claimed = (leads.claimed_unit_id is not null)
                )
                -- a lead without a relation has the lowest
                and (
                    rules.min_relation is null
                    or coalesce(relations.relation_rank, 0)
                    >= relations_asked.relation_rank
                )
        ) as rules_fitting
    -- A rule names a unit, or a place of the structure, or leaves it to precedence
    -- ('').
    -- Equalities alone: with any other condition DuckDB compares each with each.
    left join
        (
            select {{ id }}, place as place_asked, unit_id
            from {{ units }}
            where answers_for_place
            union all
            select {{ id }}, '' as place_asked, unit_id
            from {{ units }}
            where comes_first
        ) as lead_units
        on case when rules_fitting.unit_named is null then rules_fitting.{{ id }} end
        = lead_units.{{ id }}
        and coalesce(rules_fitting.accountable_cut, '') = lead_units.place_asked
    left join
        {{ ref("sales_units") }} as owners
        on coalesce(rules_fitting.unit_named, lead_units.unit_id) = owners.unit_id
    where
        coalesce(rules_fitting.unit_named, lead_units.unit_id) is not null
        -- whoever may not advise on the product is told, never made accountable (RT20)
        and (
            rules_fitting.skill_needed is null
            or ',' || coalesce(owners.skills, '') || ','
            like '%,' || rules_fitting.skill_needed || ',%'
        )
{%- endmacro %}

{#
  Whether a stated scope (`claim`: a company, a department of it, one person of the CRM) covers a row of
  int_people_scopes (`person`). What names neither a company nor a person covers nobody (CO02).
#}
{% macro scope_covers(claim, person) -%}
    (
        ({{ claim }}.company_domain is not null or {{ claim }}.crm_lead_id is not null)
        {%- for column in ["company_domain", "department_category", "crm_lead_id"] %}
            and (
                {{ claim }}.{{ column }} is null
                or {{ claim }}.{{ column }} = {{ person }}.{{ column }}
            )
        {%- endfor %}
    )
{%- endmacro %}

{# How near a contact of sales was to a lead of the same company (RT12; ranked in relation_levels.csv). #}
{% macro relation_of(contact, lead) -%}
    case
        when {{ contact }}.person_id = {{ lead }}.person_id
        then 'person'
        when {{ contact }}.department_category = {{ lead }}.department_category
        then 'department'
        else 'company'
    end
{%- endmacro %}
