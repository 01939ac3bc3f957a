{# What each deed is worth on the as-of day. #}
with

    points_given as (
        select *
        from {{ ref("int_touch_points") }}
        where matters_until > {{ as_of_date() }}
    ),

    score_days as (select {{ as_of_date() }} as scored_on),

    worth as ({{ points_worth("points_given", "score_days") }})

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
from worth
