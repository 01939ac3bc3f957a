{# What each deed is worth on the as-of day. #}
with

    points_worth as (select * from {{ ref("int_points_worth") }}),

    points_of_today as (
        select
            person_id,
            touch_id,
            rule_id,
            rule_version,
            points,
            nominal_points,
            occurred_at,
            was_anonymous,
            evidence,
            age_days
        from points_worth
        where scored_on = {{ as_of_date() }}
    )

select *
from points_of_today
