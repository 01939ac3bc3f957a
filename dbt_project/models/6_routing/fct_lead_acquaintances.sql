{# RT12: who of sales had spoken with the lead, its department or its company within the year before the hand-over, the
   nearest and strongest first: the person to ask in the unit, and the one who may open the door for another. #}
with

    routes as (select * from {{ ref("fct_lead_routes") }}),

    people as (select * from {{ ref("dim_people") }}),

    contacts as (select * from {{ ref("int_unit_contacts") }}),

    parameters as (select * from {{ ref("routing_parameters") }}),

    levels as (select * from {{ ref("relation_levels") }}),

    talks as (
        select
            routes.route_id,
            contacts.owner_id,
            contacts.unit_id,
            contacts.contacted_at,
            contacts.unit_id = routes.owner_unit_id as is_of_owner_unit,
            {{ relation_of("contacts", "people") }} as relation
        from routes
        inner join people on routes.person_id = people.person_id
        inner join
            contacts
            on contacts.contacted_at < routes.routed_at
            and people.company_id = contacts.company_id
        inner join parameters on parameters.parameter = 'relation_days'
        where
            {{ seconds_between("contacts.contacted_at", "routes.routed_at") }}
            <= parameters.amount * 86400
    ),

    acquaintances as (
        select
            talks.route_id,
            talks.owner_id,
            talks.unit_id,
            talks.is_of_owner_unit,
            max(levels.relation_rank) as relation_rank,
            count(*) as contacts,
            max(talks.contacted_at) as last_contact_at
        from talks
        inner join levels on talks.relation = levels.relation
        group by talks.route_id, talks.owner_id, talks.unit_id, talks.is_of_owner_unit
    )

select
    acquaintances.route_id,
    acquaintances.owner_id,
    acquaintances.unit_id,
    acquaintances.is_of_owner_unit,
    levels.relation,
    acquaintances.contacts,
    acquaintances.last_contact_at,
    case
        when acquaintances.contacts >= parameters.amount then 'strong' else 'weak'
    end as relation_strength,
    row_number() over (
        partition by acquaintances.route_id
        order by
            acquaintances.relation_rank desc,
            acquaintances.contacts desc,
            acquaintances.last_contact_at desc,
            acquaintances.owner_id
    ) as nearest_first
from acquaintances
inner join levels on acquaintances.relation_rank = levels.relation_rank
inner join parameters on parameters.parameter = 'strong_relation_contacts'
