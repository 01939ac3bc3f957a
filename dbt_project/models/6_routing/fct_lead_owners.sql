with

    people as (select * from {{ ref("dim_people") }}),

    moves as (select * from {{ ref("fct_handoff_transitions") }}),

    routes as (select * from {{ ref("fct_lead_routes") }}),

    -- before sales, it is marketing's turn (RT19)
    turns as (
        select
            people.person_id,
            'marketing' as owner_role,
            'marketing' as unit_id,
            least(people.first_seen_at, routes.routed_at) as valid_from,
            -1 as step
        from people
        left join routes on people.person_id = routes.person_id
        where not people.is_internal
        union all
        select
            routes.person_id,
            moves.accountable_role as owner_role,
            moves.accountable_unit_id as unit_id,
            moves.moved_at as valid_from,
            moves.step
        from moves
        inner join routes on moves.route_id = routes.route_id
    ),

    -- of several moves at one moment the last one holds
    turns_ranked as (
        select
            *,
            row_number() over (
                partition by person_id, valid_from order by step desc
            ) as last_first
        from turns
    ),

    lead_owners as (
        select
            person_id,
            owner_role,
            unit_id,
            valid_from,
            lead(valid_from) over (
                partition by person_id order by valid_from
            ) as valid_to
        from turns_ranked
        where last_first = 1
    )

select *
from lead_owners
