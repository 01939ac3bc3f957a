{# How far a person ever came: scores fade and deals end, but who once was hot was handed over then. #}
with

    scores_then as (select * from {{ ref("int_scores_then") }}),
    scores as (select * from {{ ref("fct_lead_scores") }}),
    fit_periods as (select * from {{ ref("int_fit_periods") }}),
    points_by_day as (select * from {{ ref("int_points_by_day") }}),
    rules as (select * from {{ ref("int_rules_in_use") }}),
    points as (
        select * from {{ ref("fct_score_points") }} where score_kind = 'behaviour'
    ),
    bands as (select * from {{ ref("score_bands") }} where band_kind = 'total'),

    -- A score rises on a day on which something gets known of deeds, or of the person
    -- himself (fit); the deed behind such a day is the last one known before.
    days_of_news as (
        select
            fit_periods.person_id,
            fit_periods.valid_from as scored_on,
            max_by(scores_then.touch_id, scores_then.scored_on) as touch_id,
            max_by(scores_then.occurred_at, scores_then.scored_on) as occurred_at
        from fit_periods
        inner join
            scores_then
            on fit_periods.person_id = scores_then.person_id
            and fit_periods.valid_from >= scores_then.scored_on
        where fit_periods.valid_from < {{ as_of_date() }}
        group by fit_periods.person_id, fit_periods.valid_from
        having max(scores_then.scored_on) < fit_periods.valid_from
    ),

    points_of_people_with_news as (
        select *
        from points_by_day
        where person_id in (select person_id from days_of_news)
    ),

    points_of_news as (
        {{
            points_added_up(
                "points_of_people_with_news",
                "rules",
                "days_of_news",
                of_each_person=true,
            )
        }}
    ),

    behaviour_of_news as (
        select person_id, scored_on, sum(points) as behaviour_score
        from points_of_news
        group by person_id, scored_on
    ),

    behaviour_then as (
        select person_id, scored_on, behaviour_score, touch_id, occurred_at
        from scores_then
        where
            may_rise and behaviour_score is not null and scored_on < {{ as_of_date() }}
        union all
        select
            days_of_news.person_id,
            days_of_news.scored_on,
            behaviour_of_news.behaviour_score,
            days_of_news.touch_id,
            days_of_news.occurred_at
        from days_of_news
        inner join
            behaviour_of_news
            on days_of_news.person_id = behaviour_of_news.person_id
            and days_of_news.scored_on = behaviour_of_news.scored_on
    ),

    fit_then as (
        select
            behaviour_then.person_id,
            behaviour_then.scored_on,
            sum(fit_periods.points) as fit_score
        from behaviour_then
        inner join
            fit_periods
            on behaviour_then.person_id = fit_periods.person_id
            and fit_periods.valid_from <= behaviour_then.scored_on
            and (
                fit_periods.valid_to is null
                or fit_periods.valid_to > behaviour_then.scored_on
            )
        group by behaviour_then.person_id, behaviour_then.scored_on
    ),

    last_known as (
        select
            person_id,
            max_by(touch_id, scored_on) as touch_id,
            max_by(occurred_at, scored_on) as occurred_at
        from scores_then
        group by person_id
    ),

    -- It may also have risen by itself until the as-of day, when what counted
    -- against the person has faded.
    days as (
        select
            behaviour_then.person_id,
            behaviour_then.scored_on,
            behaviour_then.behaviour_score
            + coalesce(fit_then.fit_score, 0) as total_score,
            behaviour_then.touch_id,
            behaviour_then.occurred_at
        from behaviour_then
        left join
            fit_then
            on behaviour_then.person_id = fit_then.person_id
            and behaviour_then.scored_on = fit_then.scored_on
        union all
        select
            last_known.person_id,
            {{ as_of_date() }} as scored_on,
            scores.behaviour_score + scores.fit_score as total_score,
            last_known.touch_id,
            last_known.occurred_at
        from last_known
        inner join scores on last_known.person_id = scores.person_id
        where last_known.person_id in (select person_id from points)
    ),

    -- First how high, which has one row a person; then when for the first time.
    peaks as (
        select person_id, max(total_score) as peak_score from days group by person_id
    ),

    bands_with_ends as (
        select band, min_score, lead(min_score) over (order by min_score) as ends_before
        from bands
    ),

    peaks_banded as (
        select peaks.person_id, bands_with_ends.band, bands_with_ends.min_score
        from peaks
        inner join
            bands_with_ends
            on peaks.peak_score >= bands_with_ends.min_score
            and (
                bands_with_ends.ends_before is null
                or peaks.peak_score < bands_with_ends.ends_before
            )
    ),

    first_reached as (
        select
            days.person_id,
            peaks_banded.band,
            min(days.scored_on) as reached_on,
            min_by(days.touch_id, days.scored_on) as touch_id,
            min_by(days.occurred_at, days.scored_on) as occurred_at
        from days
        inner join peaks_banded on days.person_id = peaks_banded.person_id
        where days.total_score >= peaks_banded.min_score
        group by days.person_id, peaks_banded.band
    )

select person_id, reached_on, band as score_band, touch_id, occurred_at
from first_reached
