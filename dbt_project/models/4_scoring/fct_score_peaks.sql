{# How far a person ever came: scores fade and deals end, but who once was hot was handed over then. #}
with

    scores_then as (select * from {{ ref("int_scores_then") }}),
    scores as (select * from {{ ref("fct_lead_scores") }}),
    people_with_points as (
        select distinct person_id
        from {{ ref("fct_score_points") }}
        where score_kind = 'behaviour'
    ),
    bands as (select * from {{ ref("score_bands") }} where band_kind = 'total'),

    -- The deed behind today's score is the last one known.
    last_days as (
        select person_id, max(scored_on) as last_known_on
        from scores_then
        group by person_id
    ),

    -- A score rises on a day on which something gets known; and it may have risen by
    -- itself until the as-of day, when what counted against the person has faded.
    -- What the person is (fit) has no moment, so it counts from the start.
    days as (
        select
            scores_then.person_id,
            scores_then.scored_on,
            scores_then.behaviour_score + scores.fit_score as total_score,
            scores_then.touch_id,
            scores_then.occurred_at
        from scores_then
        inner join scores on scores_then.person_id = scores.person_id
        where
            scores_then.may_rise
            and scores_then.behaviour_score is not null
            and scores_then.scored_on < {{ as_of_date() }}
        union all
        select
            scores_then.person_id,
            {{ as_of_date() }} as scored_on,
            scores.behaviour_score + scores.fit_score as total_score,
            scores_then.touch_id,
            scores_then.occurred_at
        from scores_then
        inner join
            last_days
            on scores_then.person_id = last_days.person_id
            and scores_then.scored_on = last_days.last_known_on
        inner join scores on scores_then.person_id = scores.person_id
        inner join
            people_with_points on scores_then.person_id = people_with_points.person_id
    ),

    bands_then as (
        select
            days.person_id,
            days.scored_on,
            days.touch_id,
            days.occurred_at,
            bands.band,
            row_number() over (
                partition by days.person_id
                order by bands.min_score desc, days.scored_on
            ) as highest_first
        from days
        inner join bands on days.total_score >= bands.min_score
    )

select person_id, scored_on as reached_on, band as score_band, touch_id, occurred_at
from bands_then
where highest_first = 1
