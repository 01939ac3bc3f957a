with

    records as (select * from {{ ref("int_match_records") }}),

    domains as (
        select distinct exact_person, email_domain
        from records
        where email_domain is not null
    )

select *
from domains
