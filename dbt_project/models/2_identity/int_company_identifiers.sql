with

    sightings as (select * from {{ ref("int_sightings") }}),
    free_mail as (select * from {{ ref("free_mail_domains") }}),

    domains_read as (
        select
            row_key,
            seen_at,
            company_key,
            company_name,
            prefecture,
            industry,
            split_part(email, '@', 2) as email_domain
        from sightings
        where company_key is not null or email is not null
    ),

    -- A private address says nothing about the employer.
    company_sightings as (
        select
            domains_read.row_key,
            domains_read.seen_at,
            'name:' || domains_read.company_key as name_identifier,
            case
                when free_mail.domain is null
                then 'domain:' || domains_read.email_domain
            end as domain_identifier,
            domains_read.company_name,
            domains_read.prefecture,
            domains_read.industry
        from domains_read
        left join free_mail on domains_read.email_domain = free_mail.domain
    )

select *
from company_sightings
where name_identifier is not null or domain_identifier is not null
