with

    components as (select * from {{ ref("int_company_components") }}),
    sightings as (select * from {{ ref("int_company_identifiers") }}),
    lines as (select * from {{ ref("int_visitor_lines") }}),

    first_seen as (
        select identifier, min(seen_at) as first_seen_at
        from
            (
                select name_identifier as identifier, seen_at
                from sightings
                where name_identifier is not null
                union all
                select domain_identifier as identifier, seen_at
                from sightings
                where domain_identifier is not null
                union all
                select number_identifier as identifier, seen_at
                from sightings
                where number_identifier is not null
                union all
                select company_identifier as identifier, first_seen_at as seen_at
                from lines
            ) as identifiers
        group by identifier
    ),

    ranked as (
        select
            components.component,
            components.node as company_identifier,
            first_seen.first_seen_at,
            row_number() over (
                partition by components.component
                order by first_seen.first_seen_at nulls last, components.node
            ) as name_rank
        from components
        left join first_seen on components.node = first_seen.identifier
    ),

    -- A company that only a rule table speaks of has not been met.
    companies as (
        select component, md5(company_identifier) as company_id
        from ranked
        where name_rank = 1 and first_seen_at is not null
    )

select ranked.company_identifier, companies.company_id
from ranked
inner join companies on ranked.component = companies.component
