with

    sighted as (select * from {{ ref("int_identifiers_sighted") }}),
    exclusions as (select * from {{ ref("identity_exclusions") }}),

    first_seen as (
        select
            identifier,
            identifier_kind,
            identifier_value,
            min(seen_at) as first_seen_at,
            cast(count(*) as bigint) as sighting_count
        from sighted
        group by identifier, identifier_kind, identifier_value
    ),

    excluded as (
        select first_seen.identifier, min(exclusions.why) as excluded_because
        from first_seen
        inner join exclusions on first_seen.identifier like exclusions.pattern
        where exclusions.effect = 'never_join'
        group by first_seen.identifier
    )

select
    first_seen.identifier,
    first_seen.identifier_kind,
    first_seen.identifier_value,
    first_seen.first_seen_at,
    first_seen.sighting_count,
    excluded.excluded_because
from first_seen
left join excluded on first_seen.identifier = excluded.identifier
