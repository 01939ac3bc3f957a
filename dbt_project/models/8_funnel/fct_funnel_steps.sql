with

    visits as (select * from {{ ref("fct_visits") }}),

    leads as (select * from {{ ref("int_leads_acquired") }}),

    touches as (select * from {{ ref("fct_touches") }}),

    people as (select * from {{ ref("dim_people") }}),

    funnel_steps as (select * from {{ ref("funnel_steps") }}),

    deeds as (
        select touches.*
        from touches
        inner join people on touches.person_id = people.person_id
        where not touches.is_machine and not people.is_internal
    ),

    deeds_numbered as (
        select
            deeds.person_id,
            funnel_steps.step_id,
            funnel_steps.min_count,
            deeds.occurred_at,
            row_number() over (
                partition by deeds.person_id, funnel_steps.step_id
                order by deeds.occurred_at, deeds.touch_id
            ) as deed_number
        from deeds
        inner join funnel_steps on deeds.touch_type = funnel_steps.touch_type
    ),

    steps_reached as (
        select
            visitor_id as subject_id,
            'visit' as step_id,
            min(first_session_at) as reached_at
        from visits
        where is_counted
        group by visitor_id
        union all
        select person_id as subject_id, 'lead' as step_id, lead_at as reached_at
        from leads
        union all
        select person_id as subject_id, step_id, occurred_at as reached_at
        from deeds_numbered
        where deed_number = min_count
    ),

    steps_named as (
        select step_id, subject_kind, max(step_rank) as step_rank
        from funnel_steps
        group by step_id, subject_kind
    ),

    funnel as (
        select
            {{ surrogate_key(["steps_reached.subject_id", "steps_reached.step_id"]) }}
            as funnel_step_id,
            steps_named.subject_kind,
            steps_reached.subject_id,
            case
                when steps_named.subject_kind = 'visitor' then steps_reached.subject_id
            end as visitor_id,
            case
                when steps_named.subject_kind = 'person' then steps_reached.subject_id
            end as person_id,
            steps_reached.step_id,
            cast(steps_named.step_rank as integer) as step_rank,
            steps_reached.reached_at,
            {{ local_date("steps_reached.reached_at") }} as reached_on
        from steps_reached
        inner join steps_named on steps_reached.step_id = steps_named.step_id
    )

select *
from funnel
