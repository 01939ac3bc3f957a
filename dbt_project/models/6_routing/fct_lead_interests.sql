with

    score_points as (select * from {{ ref("fct_score_points") }}),

    touches as (select * from {{ ref("fct_touches") }}),

    points_of_topics as (
        select
            score_points.person_id,
            'product' as interest_kind,
            touches.product_id as interest_id,
            score_points.points
        from score_points
        inner join touches on score_points.touch_id = touches.touch_id
        where touches.product_id is not null
        union all
        select
            score_points.person_id,
            'solution' as interest_kind,
            touches.solution_id as interest_id,
            score_points.points
        from score_points
        inner join touches on score_points.touch_id = touches.touch_id
        where touches.solution_id is not null
    ),

    interests as (
        select
            person_id,
            interest_kind,
            interest_id,
            cast(sum(points) as decimal(18, 6)) as points
        from points_of_topics
        group by person_id, interest_kind, interest_id
    ),

    interests_ranked as (
        select
            person_id,
            interest_kind,
            interest_id,
            points,
            cast(
                row_number() over (
                    partition by person_id, interest_kind
                    order by points desc, interest_id
                ) as integer
            ) as interest_rank
        from interests
    )

select *
from interests_ranked
