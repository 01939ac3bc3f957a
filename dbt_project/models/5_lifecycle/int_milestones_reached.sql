with

    people as (select * from {{ ref("dim_people") }}),

    touches as (select * from {{ ref("fct_touches") }}),

    milestones as (select * from {{ ref("milestones") }}),

    deeds as (
        select
            person_id,
            first_seen_at as occurred_at,
            'first_seen' as touch_type,
            person_id as deed_id
        from people
        union all
        select person_id, occurred_at, touch_type, touch_id as deed_id
        from touches
        -- a scanner that clicks every link of a mail is no interest of the person
        where person_id is not null and not is_machine
    ),

    milestones_counted as (
        select
            deeds.person_id,
            milestones.milestone,
            deeds.occurred_at as reached_at,
            cast(
                row_number() over (
                    partition by deeds.person_id, milestones.milestone
                    order by deeds.occurred_at, deeds.deed_id
                ) as integer
            ) as reached_count,
            deeds.touch_type,
            deeds.deed_id
        from deeds
        inner join milestones on deeds.touch_type = milestones.touch_type
    )

select *
from milestones_counted
