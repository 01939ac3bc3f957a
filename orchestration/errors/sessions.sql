-- Visits of human readers with a cookie: found with the same start, end and page views.
with
    true_sessions as (
        select visitor_id, started_at, ended_at, page_views
        from truth.sessions
        where
            not coalesce(is_machine, false)
            and machine_kind is null
            and visitor_id is not null
            and started_at < getvariable('as_of_end')
    ),
    marts as (
        select visitor_id, started_at, ended_at, page_views
        from behaviour.fct_sessions as sessions
        where
            not is_machine
            and exists (
                select 1 from true_sessions where true_sessions.visitor_id = sessions.visitor_id
            )
    ),
    cases as (
        select 'exact_recall' as measure, marts.visitor_id is not null as is_right
        from true_sessions
        left join (select distinct * from marts) as marts
            on true_sessions.visitor_id = marts.visitor_id
            and true_sessions.started_at = marts.started_at
            and true_sessions.ended_at = marts.ended_at
            and true_sessions.page_views = marts.page_views
        union all
        select 'exact_precision', true_sessions.visitor_id is not null
        from marts
        left join (select distinct * from true_sessions) as true_sessions
            on true_sessions.visitor_id = marts.visitor_id
            and true_sessions.started_at = marts.started_at
            and true_sessions.ended_at = marts.ended_at
            and true_sessions.page_views = marts.page_views
    )
select measure, null as trouble, avg(cast(is_right as integer)) as value, count(*) as n
from cases
group by measure
