with

    sightings as (select * from {{ ref("int_sightings") }}),
    free_mail as (select * from {{ ref("free_mail_domains") }}),
    submissions as (select * from {{ ref("stg_forms__submissions") }}),
    list_rows as (select * from {{ ref("stg_lists__rows") }}),
    leads as (select * from {{ ref("stg_crm__leads") }}),

    -- Ingestion reads the registered domain by the public suffix list, and corporate
    -- numbers by their check digit.
    readings as (
        select
            row_key,
            'forms' as source,
            email_domain,
            email_domain_kind,
            cast(null as {{ dbt.type_string() }}) as corporate_number
        from submissions
        union all
        select row_key, 'lists', email_domain, email_domain_kind, corporate_number
        from list_rows
        union all
        select row_key, 'crm', email_domain, email_domain_kind, corporate_number
        from leads
    ),

    -- An address that no source has read (of a mail, an order) is its registered
    -- domain where some reading knows it.
    domains_known as (
        select distinct
            split_part(sightings.email, '@', 2) as host, readings.email_domain
        from sightings
        inner join
            readings
            on sightings.row_key = readings.row_key
            and sightings.source = readings.source
        where sightings.email is not null and readings.email_domain is not null
    ),

    sightings_read as (
        select
            sightings.row_key,
            sightings.source,
            sightings.seen_at,
            sightings.company_key,
            sightings.company_name,
            sightings.prefecture,
            sightings.industry,
            readings.email_domain_kind,
            readings.corporate_number,
            -- Below a parent each name is somebody's own.
            case
                when parents.domain is null then domains_known.email_domain
            end as registered_domain,
            split_part(sightings.email, '@', 2) as host
        from sightings
        left join
            readings
            on sightings.row_key = readings.row_key
            and sightings.source = readings.source
        left join
            domains_known on split_part(sightings.email, '@', 2) = domains_known.host
        left join
            free_mail as parents
            on domains_known.email_domain = parents.domain
            and parents.kind = 'parent'
    ),

    -- A private address says nothing about the employer.
    company_sightings as (
        select
            sightings_read.row_key,
            sightings_read.source,
            sightings_read.seen_at,
            'number:' || sightings_read.corporate_number as number_identifier,
            'name:' || sightings_read.company_key as name_identifier,
            case
                when
                    free_mail.domain is null
                    and sightings_read.email_domain_kind is null
                then
                    'domain:'
                    || coalesce(sightings_read.registered_domain, sightings_read.host)
            end as domain_identifier,
            sightings_read.company_name,
            sightings_read.prefecture,
            sightings_read.industry
        from sightings_read
        left join
            free_mail
            on coalesce(sightings_read.registered_domain, sightings_read.host)
            = free_mail.domain
    )

select
    *,
    coalesce(
        number_identifier, name_identifier, domain_identifier
    ) as company_identifier
from company_sightings
where
    number_identifier is not null
    or name_identifier is not null
    or domain_identifier is not null
