with

    sighted as (select * from {{ ref("int_identifiers_sighted") }}),
    records as (select * from {{ ref("record_identifiers") }}),
    exclusions as (
        select * from {{ ref("identity_exclusions") }} where effect = 'never_join'
    ),
    free_mail as (select * from {{ ref("free_mail_domains") }}),

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

    excluded_by_rule as (
        select first_seen.identifier, min(exclusions.why) as excluded_because
        from first_seen
        inner join exclusions on first_seen.identifier like exclusions.pattern
        group by first_seen.identifier
    ),

    -- An employer gives a person one address: one name with two addresses of one
    -- company
    -- is two people of that name.
    addresses_of_names as (
        select distinct
            names.identifier,
            records.identifier as email_identifier,
            split_part(records.identifier, '@', 2) as email_domain
        from sighted as names
        inner join
            records
            on names.row_key = records.row_key
            and names.source = records.source
            and records.is_own_email
        where names.identifier_kind in ('phone_name', 'card')
    ),

    homonyms as (
        select distinct addresses_of_names.identifier
        from addresses_of_names
        left join free_mail on addresses_of_names.email_domain = free_mail.domain
        where free_mail.domain is null
        group by addresses_of_names.identifier, addresses_of_names.email_domain
        having count(*) > 1
    )

select
    first_seen.identifier,
    {{ number_of_text("first_seen.identifier") }} as identifier_number,
    first_seen.identifier_kind,
    first_seen.identifier_value,
    first_seen.first_seen_at,
    first_seen.sighting_count,
    coalesce(
        excluded_by_rule.excluded_because,
        case
            when homonyms.identifier is not null
            then 'Two addresses of one company bear this name: two people'
        end
    ) as excluded_because
from first_seen
left join excluded_by_rule on first_seen.identifier = excluded_by_rule.identifier
left join homonyms on first_seen.identifier = homonyms.identifier
