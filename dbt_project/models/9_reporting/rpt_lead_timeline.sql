with

    touches as (select * from {{ ref("fct_touches") }}),

    touch_types as (select * from {{ ref("touch_types") }}),

    score_points as (select * from {{ ref("fct_score_points") }}),

    points_of_touches as (
        select touch_id, person_id, sum(points) as points
        from score_points
        where touch_id is not null
        group by touch_id, person_id
    ),

    timeline as (
        select
            touches.person_id,
            touches.occurred_at,
            touches.time_precision,
            touches.touch_type,
            touch_types.name_ja as touch_name_ja,
            touch_types.name_en as touch_name_en,
            touches.channel,
            touches.detail,
            touches.product_id,
            cast(coalesce(points_of_touches.points, 0) as decimal(18, 6)) as points,
            touches.is_machine,
            touches.was_anonymous,
            touches.row_key,
            touches.touch_id
        from touches
        inner join touch_types on touches.touch_type = touch_types.touch_type
        left join
            points_of_touches
            on touches.touch_id = points_of_touches.touch_id
            and touches.person_id = points_of_touches.person_id
        where touches.person_id is not null
    )

select *
from timeline
