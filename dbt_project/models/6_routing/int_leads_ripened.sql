with

    peaks as (select * from {{ ref("fct_score_peaks") }}),

    touches as (select * from {{ ref("fct_touches") }}),

    -- the deed that lifted the person into the highest band that they ever reached
    leads_ripened as (
        select
            peaks.person_id,
            peaks.score_band,
            peaks.touch_id as trigger_touch_id,
            touches.touch_type as trigger_touch_type,
            peaks.occurred_at as routed_at
        from peaks
        inner join touches on peaks.touch_id = touches.touch_id
    )

select *
from leads_ripened
