with

    score_points as (select * from {{ ref("fct_score_points") }}),

    scores as (select * from {{ ref("fct_lead_scores") }}),

    score_bands as (select * from {{ ref("score_bands") }} where band_kind = 'total'),

    touches as (select * from {{ ref("fct_touches") }}),

    -- what the person is (fit) has no moment, so it counts from the start
    points_summed_up as (
        select
            person_id,
            touch_id,
            sum(points) over (
                partition by person_id
                order by
                    case when touch_id is null then 0 else 1 end,
                    occurred_at nulls first,
                    touch_id nulls first,
                    rule_id
                rows between unbounded preceding and current row
            ) as points_so_far
        from score_points
    ),

    touches_above_bar as (
        select
            points_summed_up.person_id,
            touches.touch_id,
            touches.touch_type,
            touches.product_id,
            touches.solution_id,
            touches.occurred_at,
            row_number() over (
                partition by points_summed_up.person_id
                order by touches.occurred_at, touches.touch_id
            ) as oldest_first
        from points_summed_up
        inner join touches on points_summed_up.touch_id = touches.touch_id
        inner join scores on points_summed_up.person_id = scores.person_id
        inner join score_bands on scores.score_band = score_bands.band
        where points_summed_up.points_so_far >= score_bands.min_score
    ),

    -- the deed that lifted the person into the band of today
    leads_ripened as (
        select
            person_id,
            touch_id as trigger_touch_id,
            touch_type as trigger_touch_type,
            occurred_at as routed_at
        from touches_above_bar
        where oldest_first = 1
    )

select *
from leads_ripened
