with

    departments as (select * from {{ ref("int_departments_categorised") }}),
    positions as (select * from {{ ref("int_positions_categorised") }}),

    words as (
        select 'department' as attribute, department as word, people_count
        from departments
        where department_category is null
        union all
        select 'position' as attribute, position as word, people_count
        from positions
        where position_category is null
    )

select *
from words
