with

    components as (select * from {{ ref("int_company_components") }}),
    sightings as (select * from {{ ref("int_company_identifiers") }}),

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
            ) as identifiers
        group by identifier
    ),

    ranked as (
        select
            components.component,
            components.node as company_identifier,
            row_number() over (
                partition by components.component
                order by first_seen.first_seen_at, components.node
            ) as name_rank
        from components
        inner join first_seen on components.node = first_seen.identifier
    ),

    companies as (
        select component, md5(company_identifier) as company_id
        from ranked
        where name_rank = 1
    )

select ranked.company_identifier, companies.company_id
from ranked
inner join companies on ranked.component = companies.component
