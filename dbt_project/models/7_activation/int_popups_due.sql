with

    popup_rules as (select * from {{ ref("popup_rules") }}),

    sessions as (select * from {{ ref("fct_sessions") }} where not is_machine),

    touches as (
        select *
        from {{ ref("fct_touches") }}
        where not is_machine and visitor_id is not null and content_category is not null
    ),

    visits_counted as (
        select
            popup_rules.popup_id,
            popup_rules.least_sessions,
            sessions.visitor_id,
            count(*) as sessions_in_time
        from popup_rules
        inner join
            sessions
            on sessions.started_at
            >= {{
                plus_minutes(
                    as_of_end(), "cast(-1440 * popup_rules.within_days as integer)"
                )
            }}
        group by popup_rules.popup_id, popup_rules.least_sessions, sessions.visitor_id
    ),

    -- a rule names up to two kinds of pages that must both have been read in its time
    kinds_wanted as (
        select popup_id, within_days, content_category
        from popup_rules
        where content_category is not null
        union all
        select popup_id, within_days, other_category as content_category
        from popup_rules
        where other_category is not null
    ),

    kinds_read as (
        select
            kinds_wanted.popup_id,
            touches.visitor_id,
            count(distinct touches.content_category) as kinds
        from kinds_wanted
        inner join
            touches
            on kinds_wanted.content_category = touches.content_category
            and touches.occurred_at
            >= {{
                plus_minutes(
                    as_of_end(), "cast(-1440 * kinds_wanted.within_days as integer)"
                )
            }}
        group by kinds_wanted.popup_id, touches.visitor_id
    ),

    kinds_counted as (
        select popup_id, count(*) as kinds from kinds_wanted group by popup_id
    ),

    due as (
        select visits_counted.popup_id, visits_counted.visitor_id
        from visits_counted
        left join kinds_counted on visits_counted.popup_id = kinds_counted.popup_id
        left join
            kinds_read
            on visits_counted.popup_id = kinds_read.popup_id
            and visits_counted.visitor_id = kinds_read.visitor_id
        where
            visits_counted.sessions_in_time >= visits_counted.least_sessions
            and coalesce(kinds_read.kinds, 0) = coalesce(kinds_counted.kinds, 0)
    )

select *
from due
