{#
  G07: who did a step of the funnel when, with the subject as each department counts it: the visit, the visitor's day, the
  browser, the person, the company. A subject that nobody knows is empty.
#}
with

    sessions as (select * from {{ ref("fct_sessions") }} where visitor_id is not null),

    touches as (select * from {{ ref("fct_touches") }} where not is_machine),

    form_passes as (select * from {{ ref("fct_form_passes") }}),

    people as (select * from {{ ref("dim_people") }}),

    funnel_steps as (select * from {{ ref("funnel_steps") }}),

    deeds_of_types as (
        select
            touches.*,
            funnel_steps.step_id,
            funnel_steps.min_count,
            row_number() over (
                partition by touches.person_id, funnel_steps.step_id
                order by touches.occurred_at, touches.touch_id
            ) as deed_number
        from touches
        inner join funnel_steps on touches.touch_type = funnel_steps.touch_type
    ),

    deeds as (
        select
            'visit' as step_id,
            started_at as occurred_at,
            session_id,
            visitor_id,
            person_id
        from sessions
        where not is_machine
        union all
        select
            'lead',
            touches.occurred_at,
            touches.session_id,
            touches.visitor_id,
            touches.person_id
        from touches
        inner join form_passes on touches.touch_id = form_passes.form_pass_id
        where form_passes.is_new_lead
        union all
        select step_id, occurred_at, session_id, visitor_id, person_id
        from deeds_of_types
        -- the deed that reaches the step and every one after it
        where deed_number >= min_count and (person_id is not null or min_count = 1)
    )

select
    deeds.step_id,
    {{ local_month("deeds.occurred_at") }} as month,
    sessions.session_id,
    -- a visitor's day is the day on which the visit began, so that no visit has two
    sessions.visitor_id
    || '|'
    || cast(
        {{ local_date("sessions.started_at") }} as {{ dbt.type_string() }}
    ) as visitor_day,
    deeds.visitor_id,
    deeds.person_id,
    people.company_id
from deeds
left join sessions on deeds.session_id = sessions.session_id
left join people on deeds.person_id = people.person_id
where not coalesce(people.is_internal, false)
