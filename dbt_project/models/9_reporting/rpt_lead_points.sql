with

    score_points as (select * from {{ ref("fct_score_points") }}),

    scoring_rules as (select * from {{ ref("scoring_rules") }}),

    points_explained as (
        select
            score_points.person_id,
            score_points.touch_id,
            score_points.occurred_at,
            score_points.rule_id,
            scoring_rules.why_ja as rule_why_ja,
            scoring_rules.why as rule_why_en,
            scoring_rules.name_ja as rule_name_ja,
            scoring_rules.name_en as rule_name_en,
            score_points.score_kind,
            score_points.nominal_points,
            score_points.points,
            scoring_rules.window_days,
            scoring_rules.half_life_days,
            score_points.evidence,
            score_points.was_anonymous
        from score_points
        left join scoring_rules on score_points.rule_id = scoring_rules.rule_id
    )

select *
from points_explained
