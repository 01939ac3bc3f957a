{# How far a person ever came: scores fade and deals end, but who once was hot was handed over then. #}
{%- set more_than_days = 1000000 %}
with

    scores_then as (select * from {{ ref("int_scores_then") }}),
    scores as (select * from {{ ref("fct_lead_scores") }}),
    fit_periods as (select * from {{ ref("int_fit_periods") }}),
    points_by_day as (select * from {{ ref("int_points_by_day") }}),
    rules as (select * from {{ ref("int_rules_in_use") }}),
    bands as ({{ bands_with_ends() }}),

    fit_changes as (
        select person_id, valid_from as changed_on, points, true as is_news
        from fit_periods
        union all
        select person_id, valid_to, - points, false
        from fit_periods
        where valid_to is not null
    ),

    fit_changed as (
        select
            person_id,
            changed_on,
            sum(points) as points,
            max(case when is_news then 1 else 0 end) = 1 as is_news
        from fit_changes
        group by person_id, changed_on
    ),

    -- What the fit came to from each day on which it changed until the next.
    fit_then as (
        select
            person_id,
            changed_on as fit_from,
            lead(changed_on, 1, cast('9999-12-31' as date)) over (
                partition by person_id order by changed_on
            ) as fit_to,
            sum(points) over (
                partition by person_id
                order by changed_on
                rows between unbounded preceding and current row
            ) as fit_score,
            is_news
        from fit_changed
    ),

    people_scored as (
        select person_id, min(scored_on) as first_scored_on
        from scores_then
        group by person_id
    ),

    -- A score rises on a day on which something gets known of deeds, or of the person
    -- himself (fit).
    days_of_news as (
        select fit_then.person_id, fit_then.fit_from as scored_on
        from fit_then
        inner join people_scored on fit_then.person_id = people_scored.person_id
        where
            fit_then.is_news
            and fit_then.fit_from > people_scored.first_scored_on
            and fit_then.fit_from < {{ as_of_date() }}
        except
        select person_id, scored_on
        from scores_then
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

    behaviour_then as (
        select person_id, scored_on, behaviour_score
        from scores_then
        where
            may_rise and behaviour_score is not null and scored_on < {{ as_of_date() }}
        union all
        select person_id, scored_on, sum(points) as behaviour_score
        from points_of_news
        group by person_id, scored_on
    ),

    -- It may also have risen by itself until the as-of day, when what counted
    -- against the person has faded.
    days as (
        select
            behaviour_then.person_id,
            behaviour_then.scored_on,
            behaviour_then.behaviour_score
            + coalesce(fit_then.fit_score, 0) as total_score
        from behaviour_then
        left join
            fit_then
            on behaviour_then.person_id = fit_then.person_id
            and behaviour_then.scored_on >= fit_then.fit_from
            and behaviour_then.scored_on < fit_then.fit_to
        union all
        select person_id, {{ as_of_date() }} as scored_on, total_score
        from scores
        where deeds_counted > 0
    ),

    bands_numbered as (
        select *, row_number() over (order by min_score) as height
        from bands
        where band_kind = 'total'
    ),

    -- The higher the band and the earlier the day, the greater is one number of both,
    -- so that one look at the days of a person finds the first in the highest band. A
    -- step between bands is longer than all the days that ever were.
    peaks_numbered as (
        select
            days.person_id,
            max(
                bands.height * {{ more_than_days }}
                + {{ dbt.datediff("days.scored_on", as_of_date(), "day") }}
            ) as height_and_days_ago
        from days
        inner join bands_numbered as bands on {{ is_in_band("days.total_score") }}
        group by days.person_id
    ),

    peaks_dated as (
        select
            person_id,
            cast(
                floor(height_and_days_ago / {{ more_than_days }}.0) as bigint
            ) as height,
            cast(
                {{
                    dbt.dateadd(
                        "day",
                        "- cast(height_and_days_ago % "
                        ~ more_than_days
                        ~ " as integer)",
                        as_of_date(),
                    )
                }} as date
            ) as reached_on
        from peaks_numbered
    ),

    peaks as (
        select peaks_dated.person_id, peaks_dated.reached_on, bands_numbered.band
        from peaks_dated
        inner join bands_numbered on peaks_dated.height = bands_numbered.height
    ),

    -- The deed behind the day is the last one known by then: nearly always the day's
    -- own.
    peaks_with_deeds as (
        select
            peaks.*,
            scores_then.touch_id,
            scores_then.touch_type,
            scores_then.occurred_at
        from peaks
        left join
            scores_then
            on peaks.person_id = scores_then.person_id
            and peaks.reached_on = scores_then.scored_on
    )

select person_id, reached_on, band as score_band, touch_id, touch_type, occurred_at
from peaks_with_deeds
where touch_id is not null
union all
select
    peaks.person_id,
    peaks.reached_on,
    peaks.band as score_band,
    max_by(scores_then.touch_id, scores_then.scored_on) as touch_id,
    max_by(scores_then.touch_type, scores_then.scored_on) as touch_type,
    max_by(scores_then.occurred_at, scores_then.scored_on) as occurred_at
from peaks_with_deeds as peaks
inner join
    scores_then
    on peaks.person_id = scores_then.person_id
    and peaks.reached_on > scores_then.scored_on
where peaks.touch_id is null
group by peaks.person_id, peaks.reached_on, peaks.band
