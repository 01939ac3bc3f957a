with

    routes as (select * from {{ ref("fct_lead_routes") }}),

    rules as (select * from {{ ref("routing_rules") }}),

    lead_units as (select * from {{ ref("int_lead_units") }}),

    parts as (
        select rule_id, {{ each_part("credit_split", ",") }} as part
        from rules
        where credit_split is not null
    ),

    shares as (
        select
            rule_id,
            {{ dbt.split_part("part", "':'", 1) }} as place,
            cast({{ dbt.split_part("part", "':'", 2) }} as integer) as credit_pct
        from parts
    ),

    -- the share of a place that the structure does not fill for this lead is the
    -- owner's
    shared_out as (
        select
            routes.route_id,
            routes.person_id,
            coalesce(lead_units.unit_id, routes.owner_unit_id) as unit_id,
            shares.credit_pct
        from routes
        inner join shares on routes.rule_id = shares.rule_id
        left join
            lead_units
            on routes.person_id = lead_units.person_id
            and shares.place = lead_units.place
            and lead_units.answers_for_place
    ),

    lead_credits as (
        select
            route_id, person_id, unit_id, cast(sum(credit_pct) as integer) as credit_pct
        from shared_out
        group by route_id, person_id, unit_id
    )

select *
from lead_credits
