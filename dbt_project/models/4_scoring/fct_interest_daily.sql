{# What people showed interest in, day by day: points as given on the day, and what they are worth on the as-of day.
   The sum of `points` over all rows of a person is the person's behaviour score. #}
with

    score_points as (
        select * from {{ ref("fct_score_points") }} where score_kind = 'behaviour'
    ),
    touches as (select * from {{ ref("fct_touches") }}),

    interests as (
        select
            score_points.person_id,
            {{ local_date("score_points.occurred_at") }} as interest_on,
            coalesce(touches.content_category, touches.touch_type) as category,
            coalesce(touches.product_id, touches.solution_id, '') as product,
            cast(sum(score_points.nominal_points) as decimal(18, 6)) as nominal_points,
            cast(sum(score_points.points) as decimal(18, 6)) as points,
            cast(count(*) as bigint) as deeds
        from score_points
        inner join touches on score_points.touch_id = touches.touch_id
        group by
            score_points.person_id,
            {{ local_date("score_points.occurred_at") }},
            coalesce(touches.content_category, touches.touch_type),
            coalesce(touches.product_id, touches.solution_id, '')
    )

select *
from interests
