{%- set flags = [
    "is_known_department",
    "is_known_person",
    "has_bought_product",
    "is_interest_ambiguous",
] %}

with

    rules as (select * from {{ ref("int_rules_in_force") }}),

    sales_units as (select * from {{ ref("sales_units") }}),

    requests as (select * from {{ ref("routing_requests") }}),

    score_bands as (select * from {{ ref("score_bands") }} where band_kind = 'total'),

    -- a cut that the structure in force does not have tells nobody apart
    covered as (
        select sales_units.cut, {{ each_part("sales_units.covers", ",") }} as attribute
        from sales_units
        inner join
            {{ ref("routing_structures") }} as structures
            on sales_units.cut = structures.cut
            and structures.structure_id = '{{ var("sales_structure") }}'
        where sales_units.covers is not null
    ),

    -- every value that a unit or a rule tells apart, and none: any other value is
    -- treated as none is
    products as (
        select attribute as product_id
        from covered
        where cut = 'product'
        union
        select product_id
        from {{ ref("product_skills") }}
        union
        select product_id
        from rules
        union
        select cast(null as {{ dbt.type_string() }})
    ),

    solutions as (
        select attribute as solution_id
        from covered
        where cut = 'solution'
        union
        select solution_id
        from rules
        union
        select cast(null as {{ dbt.type_string() }})
    ),

    accounts as (
        select attribute as account
        from covered
        where cut = 'account'
        union
        select account
        from rules
        union
        select cast(null as {{ dbt.type_string() }})
    ),

    areas as (
        select attribute as area
        from covered
        where cut = 'area'
        union
        select area
        from {{ ref("areas") }}
        union
        select area
        from rules
        union
        select cast(null as {{ dbt.type_string() }})
    ),

    -- who asked did so by a form that rules may tell apart, or in another way
    reasons as (
        select true as has_asked, form_kind
        from requests
        union
        select true as has_asked, form_kind
        from rules
        union
        select true as has_asked, cast(null as {{ dbt.type_string() }}) as form_kind
        union
        select false as has_asked, cast(null as {{ dbt.type_string() }}) as form_kind
    ),

    bands as (
        select band as score_band, min_score = max(min_score) over () as is_hottest
        from score_bands
    ),

    customers as (
        select true as is_existing_company
        union all
        select false as is_existing_company
    ),

    -- what no rule in force asks for tells nobody apart either
    {% for flag in flags %}
        {{ flag }}_values as (
            select false as {{ flag }}
            union
            select true as {{ flag }}
            from rules
            where {{ flag }} is not null
        ),
    {% endfor %}

    relations as (
        select 'none' as relation
        union
        select min_relation as relation
        from rules
        where min_relation is not null
    ),

    -- Any unit may claim a lead: where a rule minds claims, units are told apart by
    -- what they may advise on alone.
    claims as (
        select cast(null as {{ dbt.type_string() }}) as claimed_unit_id
        union
        select min(unit_id) as claimed_unit_id
        from sales_units
        where
            exists (
                select 1
                from rules
                where is_claimed is not null or accountable_cut = 'claim'
            )
        group by skills
    ),

    cases as (
        select
            {{
                surrogate_key(
                    [
                        "has_asked",
                        "form_kind",
                        "product_id",
                        "solution_id",
                        "account",
                        "area",
                        "is_existing_company",
                    ]
                    + flags
                    + ["relation", "claimed_unit_id", "score_band"]
                )
            }} as case_id,
            has_asked,
            form_kind,
            product_id,
            solution_id,
            account,
            area,
            is_existing_company,
            {% for flag in flags %} {{ flag }}, {% endfor %}
            relation,
            claimed_unit_id,
            score_band,
            has_asked or is_hottest as needs_owner
        from reasons
        cross join products
        cross join solutions
        cross join accounts
        cross join areas
        cross join customers
        {% for flag in flags %} cross join {{ flag }}_values {% endfor %}
        cross join relations
        cross join claims
        cross join bands
    )

select *
from cases
