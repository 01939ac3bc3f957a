-- The category of a person's department; and of each way to write one, by itself.
with
    cases as (
        select
            'category_accuracy' as measure,
            people.person_key,
            null as trouble,
            coalesce(marts.department_category = people.department_category, false) as is_right
        from truth.people as people
        inner join person_ids on people.person_key = person_ids.person_key
        inner join identity.dim_people as marts on person_ids.person_id = marts.person_id
        where people.department_category is not null and marts.department is not null
        union all
        select
            'spelling_accuracy',
            null,
            departments.trouble,
            coalesce(marts.department_category = departments.department_category, false)
        from (select distinct * from truth.departments) as departments
        inner join identity.int_departments_categorised as marts
            on departments.department = marts.department
        where departments.department_category is not null
    ),
    cases_of_troubles as (
        select measure, null as trouble, is_right from cases
        union all
        select measure, trouble, is_right from cases where trouble is not null
        union all
        select cases.measure, person_troubles.trouble, cases.is_right
        from cases
        inner join person_troubles on cases.person_key = person_troubles.person_key
    )
select measure, trouble, avg(cast(is_right as integer)) as value, count(*) as n
from cases_of_troubles
group by measure, trouble
