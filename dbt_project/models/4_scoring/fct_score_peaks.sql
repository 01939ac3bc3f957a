{# How far a person ever came: scores fade and deals end, but who once was hot was handed over then. #}
with

    points_given as (select * from {{ ref("int_touch_points") }}),
    scores as (select * from {{ ref("fct_lead_scores") }}),
    bands as (select * from {{ ref("score_bands") }} where band_kind = 'total'),

    -- A score rises on a day on which something gets known; and it may have risen by
    -- itself until the as-of day, when what counted against the person has faded.
    days as (
        select distinct person_id, known_on as scored_on
        from points_given
        where rule_points > 0
        union
        select person_id, {{ as_of_date() }} as scored_on
        from points_given
    ),

    points_then as ({{ points_worth("points_given", "days", of_each_person=true) }}),

    scores_then as (
        select person_id, scored_on, sum(points) as behaviour_score
        from points_then
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
            points_given.touch_id,
            points_given.occurred_at,
            row_number() over (
                partition by peaks.person_id
                order by
                    points_given.known_on desc,
                    points_given.occurred_on desc,
                    points_given.rule_points desc,
                    points_given.occurred_at desc,
                    points_given.touch_id
            ) as nearest_first
        from peaks
        inner join
            points_given
            on peaks.person_id = points_given.person_id
            and points_given.known_on <= peaks.reached_on
    )

select person_id, reached_on, score_band, touch_id, occurred_at
from deeds_before
where nearest_first = 1
