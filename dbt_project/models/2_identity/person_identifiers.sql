with

    components as (select * from {{ ref("int_identifier_components") }}),
    pieces as (select * from {{ ref("int_identifiers_kept_apart") }}),
    identifiers as (select * from {{ ref("int_identifiers_first_seen") }}),

    -- What no claim joins is a component of its own.
    placed as (
        select
            identifiers.*,
            coalesce(
                pieces.component, components.component, identifiers.identifier_number
            ) as component
        from identifiers
        left join components on identifiers.identifier_number = components.node
        left join pieces on identifiers.identifier_number = pieces.node
    ),

    -- A person is named after the identifier that was known first; a mail parameter
    -- only if there is no other. So what comes later never changes a name, unless it
    -- joins two people: then the one who was known first keeps it.
    ranked as (
        select
            *,
            row_number() over (
                partition by component
                order by
                    case when identifier_kind = 'mail_token' then 1 else 0 end,
                    first_seen_at,
                    identifier
            ) as name_rank
        from placed
    ),

    people as (
        select component, md5(identifier) as person_id from ranked where name_rank = 1
    )

select
    ranked.identifier,
    ranked.identifier_kind,
    ranked.identifier_value,
    people.person_id,
    ranked.first_seen_at
from ranked
inner join people on ranked.component = people.component
