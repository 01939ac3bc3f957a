with

    sessions as (select * from {{ ref("fct_sessions") }}),

    people as (select * from {{ ref("dim_people") }}),

    leads as (select * from {{ ref("int_leads_acquired") }}),

    sessions_judged as (
        select
            sessions.visitor_id,
            sessions.session_id,
            sessions.person_id,
            sessions.started_at,
            sessions.channel,
            sessions.campaign_id,
            sessions.entry_path as landing_path,
            -- a visitor who had passed a form before this visit is no new face
            coalesce(leads.lead_at < sessions.started_at, false) as is_known,
            {{ local_date("sessions.started_at") }} as visited_on,
            {{ local_month("sessions.started_at") }} as visited_month,
            case
                when sessions.is_machine
                then 'machine'
                when people.is_internal
                then 'internal'
            end as exclusion
        from sessions
        left join people on sessions.person_id = people.person_id
        left join leads on sessions.person_id = leads.person_id
        where sessions.visitor_id is not null
    ),

    -- one session that counts makes the day count
    sessions_ranked as (
        select
            *,
            row_number() over (
                partition by visitor_id, visited_on
                order by exclusion nulls first, started_at, session_id
            ) as rank_of_day,
            row_number() over (
                partition by visitor_id, visited_month
                order by exclusion nulls first, started_at, session_id
            ) as rank_of_month,
            count(*) over (partition by visitor_id, visited_on) as sessions
        from sessions_judged
    ),

    visits as (
        select
            {{ surrogate_key(["visitor_id", "visited_on"]) }} as visit_id,
            visitor_id,
            visited_on,
            visited_month,
            person_id,
            channel,
            campaign_id,
            landing_path,
            is_known,
            started_at as first_session_at,
            cast(sessions as integer) as sessions,
            exclusion,
            exclusion is null as is_counted,
            -- so that days add up to the distinct visitors of the month
            rank_of_month = 1 as is_first_of_month
        from sessions_ranked
        where rank_of_day = 1
    )

select *
from visits
