with

    scores as (select * from {{ ref("fct_lead_scores") }}),

    scores_apart as (
        select
            person_id,
            standing,
            score_7d,
            score_30d,
            score_90d,
            score_lifetime,
            score_half_life,
            bant_score,
            bant_known,
            cast(timing_30d as double) as timing_30d_rate,
            cast(timing_90d as double) as timing_90d_rate,
            nurture_degree
        from scores
    )

select *
from scores_apart
