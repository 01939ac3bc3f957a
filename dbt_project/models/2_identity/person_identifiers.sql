with

    components as (select * from {{ ref("int_identifier_components") }}),
    identifiers as (select * from {{ ref("int_identifiers_first_seen") }}),

    -- A person is named after the identifier that was known first; a mail parameter
    -- only if there is no other.
    ranked as (
        select
            components.component,
            identifiers.identifier,
            identifiers.identifier_kind,
            identifiers.identifier_value,
            identifiers.first_seen_at,
            row_number() over (
                partition by components.component
                order by
                    case
                        when identifiers.identifier_kind = 'mail_token' then 1 else 0
                    end,
                    identifiers.first_seen_at,
                    identifiers.identifier
            ) as name_rank
        from identifiers
        inner join components on identifiers.identifier = components.node
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
