{# How far a person ever came: scores fade and deals end, but who once was hot was handed over then. #}
with

    points_given as (select * from {{ ref("int_touch_points") }}),
    scores as (select * from {{ ref("fct_lead_scores") }}),
    bands as (select * from {{ ref("score_bands") }} where band_kind = 'total'),

    points_numbered as (
        select
            *,
            case
                when once is null
                then 1
                else
                    row_number() over (
                        partition by
                            person_id,
                            rule_id,
                            case
                                once
                                when 'ever'
                                then 'ever'
                                when 'day'
                                then cast(occurred_on as {{ dbt.type_string() }})
                                else touch_id
                            end
                        order by occurred_at, touch_id
                    )
            end as turn
        from points_given
    ),

    points_once as (select * from points_numbered where turn = 1),

    -- A score rises on a day on which something gets known; and it may have risen by
    -- itself until the as-of day, when what counted against the person has faded.
    days as (
        select distinct person_id, known_on as scored_on
        from points_once
        where rule_points > 0
        union
        select person_id, {{ as_of_date() }} as scored_on
        from points_once
    ),

    points_then as (
        select
            days.person_id,
            days.scored_on,
            points_once.rule_id,
            points_once.rule_points,
            points_once.window_days,
            points_once.half_life_days,
            points_once.cap_points,
            {{ dbt.datediff("points_once.occurred_on", "days.scored_on", "day") }}
            - points_once.delay_days as age_days
        from days
        inner join
            points_once
            on days.person_id = points_once.person_id
            and points_once.known_on <= days.scored_on
    ),

    rules_then as (
        select
            person_id,
            scored_on,
            rule_id,
            max(cap_points) as cap_points,
            sum(
                cast(
                    round(
                        rule_points * case
                            when half_life_days is null
                            then 1.0
                            else power(0.5, cast(age_days as double) / half_life_days)
                        end,
                        6
                    ) as decimal(18, 6)
                )
            ) as points
        from points_then
        where age_days >= 0 and (window_days is null or age_days < window_days)
        group by person_id, scored_on, rule_id
    ),

    scores_then as (
        select
            person_id,
            scored_on,
            sum(
                case
                    when cap_points is null
                    then points
                    when cap_points >= 0
                    then least(points, cap_points)
                    else greatest(points, cap_points)
                end
            ) as behaviour_score
        from rules_then
        group by person_id, scored_on
    ),

    -- What the person is (fit) has no moment, so it counts from the start.
    bands_then as (
        select
            scores_then.person_id,
            scores_then.scored_on,
            bands.band,
            row_number() over (
                partition by scores_then.person_id
                order by bands.min_score desc, scores_then.scored_on
            ) as highest_first
        from scores_then
        inner join scores on scores_then.person_id = scores.person_id
        inner join
            bands on scores_then.behaviour_score + scores.fit_score >= bands.min_score
    ),

    peaks as (
        select person_id, scored_on as reached_on, band as score_band
        from bands_then
        where highest_first = 1
    ),

    -- The deed behind it: of that day, or the last one known by then.
    deeds_before as (
        select
            peaks.person_id,
            peaks.reached_on,
            peaks.score_band,
            points_once.touch_id,
            points_once.occurred_at,
            row_number() over (
                partition by peaks.person_id
                order by
                    points_once.known_on desc,
                    points_once.occurred_on desc,
                    points_once.rule_points desc,
                    points_once.occurred_at desc,
                    points_once.touch_id
            ) as nearest_first
        from peaks
        inner join
            points_once
            on peaks.person_id = points_once.person_id
            and points_once.known_on <= peaks.reached_on
    )

select person_id, reached_on, score_band, touch_id, occurred_at
from deeds_before
where nearest_first = 1
