{# The rules of the chosen set, each with a version that changes when what it gives changes. #}
with

    rules as (
        select *
        from {{ ref("scoring_rules") }}
        where rule_set = '{{ var("scoring_rule_set") }}'
    ),

    rules_versioned as (
        select
            rule_id,
            substring(
                {{
                    surrogate_key(
                        [
                            "score_kind",
                            "touch_type",
                            "content_category",
                            "attribute",
                            "attribute_pattern",
                            "points",
                            "delay_days",
                            "window_days",
                            "half_life_days",
                            "cap_points",
                            "once",
                        ]
                    )
                }},
                1,
                8
            ) as rule_version,
            score_kind,
            touch_type,
            content_category,
            attribute,
            attribute_pattern,
            points,
            coalesce(delay_days, 0) as delay_days,
            window_days,
            half_life_days,
            cap_points,
            once
        from rules
    )

select *
from rules_versioned
