{#
  Whether a person has lately come more often or less than was usual for this person, on the as-of day and on the cuts,
  from what was known on each: days with a deed in the recent window against days with one in the window before.

  The difference is counted in standard errors of two Poisson rates (square roots, since their spread does not depend on
  the rate: Huffman 1984, Applied Statistics 33). Fewer active days than fewest_active_days say nothing: 0.
#}
with

    given as (select * from {{ ref("int_points_by_day") }}),
    rules as (select * from {{ ref("int_rules_in_use") }}),
    windows as (select * from {{ ref("timing_windows") }}),
    score_days as (
        select distinct scored_on
        from {{ ref("int_score_days") }}
        where day_use in ('as_of', 'cut')
    ),

    active_days as (
        select distinct given.person_id, given.occurred_on, given.known_on
        from given
        inner join rules on given.rule_id = rules.rule_id
        where rules.points > 0
    ),

    active_days_with_age as (
        select
            active_days.person_id,
            score_days.scored_on,
            active_days.occurred_on,
            {{ dbt.datediff("active_days.occurred_on", "score_days.scored_on", "day") }}
            as age_days
        from active_days
        inner join score_days on active_days.known_on <= score_days.scored_on
    ),

    counted as (
        select
            active_days_with_age.person_id,
            active_days_with_age.scored_on,
            windows.window_id,
            windows.recent_days,
            windows.before_days,
            windows.fewest_active_days,
            windows.rising_z,
            windows.falling_z,
            cast(
                count(distinct occurred_on) filter (
                    where age_days < windows.recent_days
                ) as bigint
            ) as active_days_recent,
            cast(
                count(distinct occurred_on) filter (
                    where age_days >= windows.recent_days
                ) as bigint
            ) as active_days_before
        from active_days_with_age
        cross join windows
        where
            active_days_with_age.age_days
            between 0 and windows.recent_days + windows.before_days - 1
        group by
            active_days_with_age.person_id,
            active_days_with_age.scored_on,
            windows.window_id,
            windows.recent_days,
            windows.before_days,
            windows.fewest_active_days,
            windows.rising_z,
            windows.falling_z
    ),

    compared as (
        select
            *,
            cast(recent_days as double) / before_days as window_ratio,
            active_days_recent + active_days_before >= fewest_active_days as is_enough
        from counted
    )

select
    person_id,
    scored_on,
    window_id,
    active_days_recent,
    active_days_before,
    recent_days,
    before_days,
    rising_z,
    falling_z,
    is_enough,
    cast(
        case
            when is_enough
            then
                round(
                    2 * (
                        sqrt(active_days_recent + 0.375)
                        - sqrt((active_days_before + 0.375) * window_ratio)
                    )
                    / sqrt(1 + window_ratio),
                    6
                )
            else 0
        end as decimal(9, 6)
    ) as change_z
from compared
