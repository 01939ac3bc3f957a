with

    sightings as (select * from {{ ref("int_sightings") }}),
    records as (select * from {{ ref("record_identifiers") }}),
    identifiers as (select * from {{ ref("person_identifiers") }}),
    trust as (select * from {{ ref("sources_trust") }}),
    companies as (select * from {{ ref("int_company_identifiers") }}),
    members as (select * from {{ ref("int_company_members") }}),

    sightings_of_people as (
        select
            sightings.row_key,
            sightings.source,
            sightings.seen_at,
            identifiers.person_id,
            coalesce(trust.trust, 0) as trust,
            coalesce(trust.trust_class, 'observed') as trust_class,
            members.company_id,
            sightings.person_name_raw as person_name,
            sightings.person_kana,
            -- An address that is somebody else's is no attribute of who typed it.
            case
                when
                    records.is_own_email
                    or records.identifier = 'email:' || sightings.email
                then sightings.email
            end as email,
            sightings.phone,
            sightings.company_name,
            sightings.department,
            sightings.position,
            sightings.prefecture,
            sightings.industry
        from sightings
        inner join
            records
            on sightings.row_key = records.row_key
            and sightings.source = records.source
        inner join identifiers on records.identifier = identifiers.identifier
        left join trust on sightings.source = trust.source
        left join
            companies
            on sightings.row_key = companies.row_key
            and sightings.source = companies.source
        left join members on companies.company_identifier = members.company_identifier
    )

select *
from sightings_of_people
