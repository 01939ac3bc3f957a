with

    leads as (select * from {{ ref("int_leads_to_route") }}),

    sales_units as (select * from {{ ref("sales_units") }}),

    structures as (select * from {{ ref("routing_structures") }}),

    attributes as (
        select person_id, 'area' as cut, area as attribute
        from leads
        union all
        select person_id, 'account' as cut, account as attribute
        from leads
        union all
        select person_id, 'solution' as cut, solution_id as attribute
        from leads
        union all
        select person_id, 'product' as cut, product_id as attribute
        from leads
    ),

    -- a cut that stands inside another takes that one's place, not one of its own
    units_of_cuts as (
        select
            attributes.person_id,
            attributes.cut,
            coalesce(structures.contained_in, attributes.cut) as place,
            structures.contained_in is not null as is_nested,
            structures.precedence,
            sales_units.unit_id
        from attributes
        inner join
            structures
            on attributes.cut = structures.cut
            and structures.structure_id = '{{ var("sales_structure") }}'
        inner join
            sales_units
            on attributes.cut = sales_units.cut
            and ',' || sales_units.covers || ','
            like '%,' || attributes.attribute || ',%'
    ),

    -- the outer unit answers for the place; the inner one where there is no outer
    units_ranked as (
        select
            *,
            row_number() over (
                partition by person_id, place order by is_nested, unit_id
            ) as rank_in_place,
            row_number() over (
                partition by person_id order by precedence, is_nested, unit_id
            ) as rank_of_lead
        from units_of_cuts
    ),

    lead_units as (
        select
            person_id,
            cut,
            place,
            unit_id,
            rank_in_place = 1 as answers_for_place,
            rank_of_lead = 1 as comes_first
        from units_ranked
    )

select *
from lead_units
