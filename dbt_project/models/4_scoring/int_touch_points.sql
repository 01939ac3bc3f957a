{# Which rule gives what for which deed, before anybody asks whose deed it was and how long ago. #}
with

    touches as (select * from {{ ref("fct_touches") }}),
    rules as (
        select *
        from {{ ref("scoring_rules") }}
        where score_kind = 'behaviour' and rule_set = '{{ var("scoring_rule_set") }}'
    ),

    touches_human as (
        select * from touches where not is_machine and person_id is not null
    ),

    points_given as (
        select
            touches_human.person_id,
            touches_human.touch_id,
            rules.rule_id,
            touches_human.occurred_at,
            touches_human.was_anonymous,
            touches_human.detail as evidence,
            cast(rules.points as decimal(18, 6)) as rule_points,
            rules.window_days,
            rules.half_life_days,
            rules.cap_points,
            {{ age_in_days("touches_human.occurred_at") }} as age_days
        from touches_human
        inner join
            rules
            on touches_human.touch_type = rules.touch_type
            and (
                rules.content_category is null
                or rules.content_category = touches_human.content_category
            )
    )

select *
from points_given
