{# A view: who asks for one day pays for one day. #}
with

    points_given as (select * from {{ ref("int_touch_points") }}),

    score_days as (select distinct scored_on from {{ ref("int_score_days") }}),

    worth as ({{ points_worth("points_given", "score_days") }})

select *
from worth
