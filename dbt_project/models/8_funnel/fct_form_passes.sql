with

    touches as (select * from {{ ref("fct_touches") }}),

    touch_types as (select * from {{ ref("touch_types") }}),

    people as (select * from {{ ref("dim_people") }}),

    sessions as (select * from {{ ref("fct_sessions") }}),

    passes_judged as (
        select
            touches.touch_id as form_pass_id,
            touches.person_id,
            touches.visitor_id,
            touches.occurred_at as passed_at,
            {{ local_date("touches.occurred_at") }} as passed_on,
            {{ local_month("touches.occurred_at") }} as passed_month,
            touches.form_id,
            coalesce(touches.form_kind, 'unknown') as form_kind,
            coalesce(touches.channel, 'unknown') as channel,
            touches.campaign_id,
            touches.product_id,
            touches.row_key,
            sessions.entry_path as landing_path,
            case
                when touches.is_machine
                then 'machine'
                when people.is_internal
                then 'internal'
            end as exclusion,
            -- a job-seeker passes a form and is no lead
            touch_types.is_reaction as is_of_lead_kind
        from touches
        inner join touch_types on touches.touch_type = touch_types.touch_type
        left join people on touches.person_id = people.person_id
        left join sessions on touches.session_id = sessions.session_id
        where touch_types.is_form_pass
    ),

    passes_counted as (
        select
            *,
            exclusion is null as is_counted,
            exclusion is null
            and is_of_lead_kind
            and person_id is not null as is_of_lead
        from passes_judged
    ),

    passes_numbered as (
        select
            *,
            row_number() over (
                partition by person_id, is_of_lead order by passed_at, form_pass_id
            ) as pass_number,
            row_number() over (
                partition by person_id, is_of_lead, passed_month
                order by passed_at, form_pass_id
            ) as pass_number_in_month
        from passes_counted
    ),

    form_passes as (
        select
            form_pass_id,
            person_id,
            visitor_id,
            passed_at,
            passed_on,
            passed_month,
            form_id,
            form_kind,
            channel,
            campaign_id,
            product_id,
            landing_path,
            exclusion,
            is_of_lead_kind,
            row_key,
            is_counted,
            is_of_lead,
            is_of_lead and pass_number = 1 as is_new_lead,
            is_of_lead and pass_number_in_month = 1 as is_first_of_month
        from passes_numbered
    )

select *
from form_passes
