{# What each deed is worth on the as-of day: inside its window, faded by half-lives, up to the rule's cap. #}
with

    points_given as (select * from {{ ref("int_touch_points") }}),

    -- The window is half open: a deed counts from age 0 to window_days - 1. Ages are
    -- whole local days, so that a
    -- score does not change between morning and evening.
    points_faded as (
        select
            *,
            cast(
                round(
                    rule_points * case
                        when half_life_days is null
                        then 1.0
                        else power(0.5, cast(age_days as double) / half_life_days)
                    end,
                    6
                ) as decimal(18, 6)
            ) as faded_points
        from points_given
        where window_days is null or age_days < window_days
    ),

    -- The newest deeds fill the cap first, so that an old deed never keeps a new one
    -- out.
    points_added_up as (
        select
            *,
            coalesce(
                sum(faded_points) over (
                    partition by person_id, rule_id
                    order by occurred_at desc, touch_id
                    rows between unbounded preceding and 1 preceding
                ),
                0
            ) as points_before
        from points_faded
    ),

    points_capped as (
        select
            *,
            case
                when cap_points is null
                then faded_points
                when cap_points >= 0
                then greatest(0, least(faded_points, cap_points - points_before))
                else least(0, greatest(faded_points, cap_points - points_before))
            end as points_left
        from points_added_up
    )

select
    person_id,
    touch_id,
    rule_id,
    cast(points_left as decimal(18, 6)) as points,
    rule_points as nominal_points,
    occurred_at,
    was_anonymous,
    evidence,
    age_days
from points_capped
