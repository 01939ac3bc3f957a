{# Sums of the points for deeds of each person on each of the days: a row only where something counts on the day. #}
with

    points_by_day as (select * from {{ ref("int_points_by_day") }}),
    rules as (select * from {{ ref("int_rules_in_use") }}),
    score_days as (select distinct scored_on from {{ ref("int_score_days") }}),

    points_on_days as ({{ points_added_up("points_by_day", "rules", "score_days") }})

select
    scored_on,
    person_id,
    cast(sum(points) as decimal(18, 6)) as behaviour_score,
    cast(min(points) as decimal(18, 6)) as least_points,
    cast(min(silent_days) as bigint) as silent_days,
    cast(sum(points_30d) as decimal(18, 6)) as points_30d
from points_on_days
group by scored_on, person_id
