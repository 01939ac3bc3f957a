with

    attributes as (select * from {{ ref("int_person_attributes") }}),
    categories as (select * from {{ ref("department_categories") }}),

    departments as (
        select attribute_value as department, cast(count(*) as bigint) as people_count
        from attributes
        where attribute = 'department'
        group by attribute_value
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
