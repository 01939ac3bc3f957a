with

    members as (select * from {{ ref("int_company_members") }}),
    sightings as (select * from {{ ref("int_company_identifiers") }}),
    spans as (select * from {{ ref("employment_spans") }}),
    changes as (select * from {{ ref("int_company_changes") }}),
    targets as (select * from {{ ref("target_accounts") }}),
    lines as (select * from {{ ref("int_visitor_lines") }}),
    crm_leads as (select * from {{ ref("stg_crm__leads") }}),
    sizes as (select * from {{ ref("company_sizes") }}),

    sightings_of_companies as (
        select
            members.company_id,
            sightings.company_name,
            sightings.name_identifier,
            sightings.domain_identifier,
            sightings.number_identifier,
            sightings.prefecture,
            sightings.industry,
            sightings.seen_at
        from sightings
        inner join members on sightings.company_identifier = members.company_identifier
    ),

    companies as (select distinct company_id from members),

    former_names as (
        select distinct former_identifier
        from changes
        where former_identifier not in (select later_identifier from changes)
    ),

    -- What most records say, but for a name that was given up; the smaller text only
    -- settles a tie.
    names_ranked as (
        select
            sightings_of_companies.company_id,
            sightings_of_companies.company_name,
            row_number() over (
                partition by sightings_of_companies.company_id
                order by
                    max(case when changes.former_identifier is null then 0 else 1 end),
                    count(*) desc,
                    sightings_of_companies.company_name
            ) as name_rank,
            max(
                case when changes.former_identifier is null then 0 else 1 end
            ) as is_given_up
        from sightings_of_companies
        left join
            former_names as changes
            on sightings_of_companies.name_identifier = changes.former_identifier
        where sightings_of_companies.company_name is not null
        group by sightings_of_companies.company_id, sightings_of_companies.company_name
    ),

    -- The last name of a company that no record calls by its new name yet.
    names_announced as (
        select company_id, later_name
        from
            (
                select
                    members.company_id,
                    changes.later_name,
                    row_number() over (
                        partition by members.company_id
                        order by changes.changed_on desc, changes.later_name
                    ) as newest_first
                from changes
                inner join
                    members on changes.later_identifier = members.company_identifier
            ) as announcements
        where newest_first = 1
    ),

    names_on_lines as (
        select
            members.company_id,
            min(
                substring(
                    lines.company_identifier,
                    length(split_part(lines.company_identifier, ':', 1)) + 2
                )
            ) as company_name
        from lines
        inner join members on lines.company_identifier = members.company_identifier
        group by members.company_id
    ),

    -- A domain under a name that too many domains share stands alone, and its records
    -- at the name: what is left to call it by is the domain.
    names_of_members as (
        select
            company_id,
            min(
                substring(
                    company_identifier,
                    length(split_part(company_identifier, ':', 1)) + 2
                )
            ) as company_name
        from members
        group by company_id
    ),

    numbers as (
        select
            company_id,
            min(substring(number_identifier, length('number:') + 1)) as corporate_number
        from sightings_of_companies
        where number_identifier is not null
        group by company_id
    ),

    targets_known as (
        select distinct members.company_id
        from targets
        inner join
            members
            on {{ company_identifier("targets.company") }} = members.company_identifier
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

    -- The last word on the size; of two of one moment the smaller promises less.
    sizes_ranked as (
        select
            members.company_id,
            crm_leads.employees,
            crm_leads.updated_at,
            row_number() over (
                partition by members.company_id
                order by crm_leads.updated_at desc nulls last, crm_leads.employees
            ) as size_rank
        from crm_leads
        inner join
            sightings
            on crm_leads.row_key = sightings.row_key
            and sightings.source = 'crm'
        inner join members on sightings.company_identifier = members.company_identifier
        where crm_leads.employees is not null
    ),

    people_counted as (
        select company_id, cast(count(*) as bigint) as people_count
        from spans
        where span_to = cast('9999-12-31' as timestamp)
        group by company_id
    )

select
    companies.company_id,
    coalesce(
        case when names.is_given_up = 0 then names.company_name end,
        names_announced.later_name,
        names.company_name,
        substring(domains.domain_identifier, length('domain:') + 1),
        names_on_lines.company_name,
        numbers.corporate_number,
        names_of_members.company_name
    ) as company_name,
    numbers.corporate_number,
    substring(domains.domain_identifier, length('domain:') + 1) as email_domain,
    industries.industry,
    prefectures.prefecture,
    cast(sizes_ranked.employees as bigint) as employees,
    sizes_ranked.updated_at as employees_told_at,
    sizes.size_class,
    targets_known.company_id is not null as is_target,
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
left join names_announced on companies.company_id = names_announced.company_id
left join names_on_lines on companies.company_id = names_on_lines.company_id
left join numbers on companies.company_id = numbers.company_id
left join targets_known on companies.company_id = targets_known.company_id
left join
    sizes_ranked
    on companies.company_id = sizes_ranked.company_id
    and sizes_ranked.size_rank = 1
left join
    sizes
    on sizes_ranked.employees >= sizes.from_employees
    and (sizes.to_employees is null or sizes_ranked.employees < sizes.to_employees)
left join names_of_members on companies.company_id = names_of_members.company_id
