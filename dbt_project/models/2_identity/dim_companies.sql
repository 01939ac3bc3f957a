with

    members as (select * from {{ ref("int_company_members") }}),
    sightings as (select * from {{ ref("int_company_identifiers") }}),
    identifiers as (select * from {{ ref("int_person_companies") }}),

    sightings_of_companies as (
        select
            members.company_id,
            sightings.company_name,
            sightings.domain_identifier,
            sightings.prefecture,
            sightings.industry,
            sightings.seen_at
        from sightings
        inner join
            members
            on coalesce(sightings.name_identifier, sightings.domain_identifier)
            = members.company_identifier
    ),

    companies as (select distinct company_id from members),

    -- What most records say; the smaller text only settles a tie.
    names_ranked as (
        select
            company_id,
            company_name,
            row_number() over (
                partition by company_id order by count(*) desc, company_name
            ) as name_rank
        from sightings_of_companies
        where company_name is not null
        group by company_id, company_name
    ),

    domains_ranked as (
        select
            company_id,
            domain_identifier,
            row_number() over (
                partition by company_id order by count(*) desc, domain_identifier
            ) as domain_rank
        from sightings_of_companies
        where domain_identifier is not null
        group by company_id, domain_identifier
    ),

    prefectures_ranked as (
        select
            company_id,
            prefecture,
            row_number() over (
                partition by company_id order by count(*) desc, prefecture
            ) as prefecture_rank
        from sightings_of_companies
        where prefecture is not null
        group by company_id, prefecture
    ),

    industries_ranked as (
        select
            company_id,
            industry,
            row_number() over (
                partition by company_id order by count(*) desc, industry
            ) as industry_rank
        from sightings_of_companies
        where industry is not null
        group by company_id, industry
    ),

    people_counted as (
        select company_id, cast(count(*) as bigint) as people_count
        from identifiers
        group by company_id
    )

select
    companies.company_id,
    coalesce(
        names.company_name, substring(domains.domain_identifier, length('domain:') + 1)
    ) as company_name,
    substring(domains.domain_identifier, length('domain:') + 1) as email_domain,
    industries.industry,
    prefectures.prefecture,
    coalesce(people_counted.people_count, 0) as people_count
from companies
left join
    names_ranked as names
    on companies.company_id = names.company_id
    and names.name_rank = 1
left join
    domains_ranked as domains
    on companies.company_id = domains.company_id
    and domains.domain_rank = 1
left join
    prefectures_ranked as prefectures
    on companies.company_id = prefectures.company_id
    and prefectures.prefecture_rank = 1
left join
    industries_ranked as industries
    on companies.company_id = industries.company_id
    and industries.industry_rank = 1
left join people_counted on companies.company_id = people_counted.company_id
