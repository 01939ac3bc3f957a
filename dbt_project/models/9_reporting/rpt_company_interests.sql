{# One company has several buying departments: what each of them is after. #}
with

    interests as (select * from {{ ref("fct_lead_interests") }}),
    people as (select * from {{ ref("dim_people") }} where not is_internal),
    companies as (select * from {{ ref("dim_companies") }}),

    interests_of_departments as (
        select
            people.company_id,
            coalesce(people.department_category, 'unknown') as department_category,
            interests.interest_id as product_id,
            cast(count(distinct people.person_id) as bigint) as people_count,
            cast(sum(interests.points) as decimal(18, 6)) as points
        from interests
        inner join people on interests.person_id = people.person_id
        where interests.interest_kind = 'product' and people.company_id is not null
        group by
            people.company_id,
            coalesce(people.department_category, 'unknown'),
            interests.interest_id
    )

select
    interests_of_departments.company_id,
    companies.company_name,
    companies.is_target,
    interests_of_departments.department_category,
    interests_of_departments.product_id,
    interests_of_departments.people_count,
    interests_of_departments.points
from interests_of_departments
inner join companies on interests_of_departments.company_id = companies.company_id
