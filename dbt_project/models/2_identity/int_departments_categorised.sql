with

    sightings as (select * from {{ ref("int_person_sightings") }}),
    categories as (select * from {{ ref("department_categories") }}),

    departments as (
        select department, cast(count(distinct person_id) as bigint) as people_count
        from sightings
        where department is not null
        group by department
    ),

    matches_ranked as (
        select
            departments.department,
            departments.people_count,
            categories.category,
            row_number() over (
                partition by departments.department
                order by categories.priority nulls last
            ) as match_rank
        from departments
        left join categories on departments.department like categories.pattern
    )

select department, people_count, category as department_category
from matches_ranked
where match_rank = 1
