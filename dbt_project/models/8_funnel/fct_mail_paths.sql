{#
  CH06: where a mail led: each visit that came by a mail of ours, the page it landed on (a microsite, a form), whether it
  read on, and the form it passed, in that visit or within 30 days.
#}
with

    sends as (select * from {{ ref("fct_sends") }} where channel = 'email'),

    sessions as (
        select *
        from {{ ref("fct_sessions") }}
        where not is_machine and visitor_id is not null
    ),

    form_passes as (select * from {{ ref("fct_form_passes") }} where is_of_lead),

    touches as (select * from {{ ref("fct_touches") }}),

    opportunities as (select * from {{ ref("fct_opportunities") }}),

    people as (select * from {{ ref("dim_people") }}),

    mailed as (
        select campaign_id from sends where campaign_id is not null group by campaign_id
    ),

    visits as (
        select sessions.*
        from sessions
        inner join mailed on sessions.campaign_id = mailed.campaign_id
        left join people on sessions.person_id = people.person_id
        where not coalesce(people.is_internal, false)
    ),

    passes as (
        select form_passes.*, touches.session_id
        from form_passes
        inner join touches on form_passes.form_pass_id = touches.touch_id
    ),

    passed_in_visit as (
        select session_id, min(passed_at) as passed_at
        from passes
        where session_id is not null
        group by session_id
    ),

    passed_later as (
        select visits.session_id, min(passes.passed_at) as passed_at
        from visits
        inner join
            passes
            on visits.person_id = passes.person_id
            and passes.passed_at >= visits.started_at
            and passes.passed_at < {{ dbt.dateadd("day", 30, "visits.started_at") }}
        group by visits.session_id
    ),

    opened_later as (
        select distinct visits.session_id
        from visits
        inner join
            opportunities
            on visits.person_id = opportunities.person_id
            and opportunities.created_at >= visits.started_at
            and opportunities.created_at
            < {{ dbt.dateadd("day", 90, "visits.started_at") }}
    )

select
    visits.session_id,
    visits.campaign_id,
    visits.entry_path as landing_path,
    visits.visitor_id,
    visits.person_id,
    visits.started_at,
    visits.page_views > 1 as has_read_on,
    passed_in_visit.session_id is not null as has_passed_in_visit,
    passed_in_visit.session_id is not null
    or passed_later.session_id is not null as has_passed_in_30d,
    opened_later.session_id is not null as has_opportunity_in_90d
from visits
left join passed_in_visit on visits.session_id = passed_in_visit.session_id
left join passed_later on visits.session_id = passed_later.session_id
left join opened_later on visits.session_id = opened_later.session_id
