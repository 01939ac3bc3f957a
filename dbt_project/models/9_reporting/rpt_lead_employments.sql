with

    employments as (select * from {{ ref("dim_employments") }}),
    companies as (select * from {{ ref("dim_companies") }}),
    sources as (select * from {{ ref("sources_trust") }})

select
    employments.employment_id,
    employments.person_id,
    coalesce(employments.company_name, companies.company_name) as company_name,
    employments.department,
    employments.position,
    -- 1900 stands for a record without a date.
    case
        when employments.valid_from > cast('1900-01-01' as timestamp)
        then employments.valid_from
    end as valid_from,
    employments.valid_to,
    employments.is_present,
    coalesce(sources.name_ja, employments.source) as source_name_ja,
    coalesce(sources.name_en, employments.source) as source_name_en
from employments
inner join companies on employments.company_id = companies.company_id
left join sources on employments.source = sources.source
