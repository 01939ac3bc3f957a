with

    people as (select * from {{ ref("dim_people") }} where not is_internal),

    identifiers as (select * from {{ ref("person_identifiers") }}),

    -- what a request about contacts can name: the company by its domain, the department
    -- by its category, one person by the CRM's id
    people_scopes as (
        select
            people.person_id,
            people.department_category,
            case
                when identifiers.identifier_kind = 'email'
                then {{ dbt.split_part("identifiers.identifier_value", "'@'", 2) }}
            end as company_domain,
            case
                when identifiers.identifier_kind = 'crm_lead'
                then identifiers.identifier_value
            end as crm_lead_id
        from people
        inner join identifiers on people.person_id = identifiers.person_id
        where identifiers.identifier_kind in ('email', 'crm_lead')
    )

select distinct person_id, department_category, company_domain, crm_lead_id
from people_scopes
