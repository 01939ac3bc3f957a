{%- set windows = [7, 30, 90] -%}
{%- set longest = windows | max -%}
with

    people as (select * from {{ ref("dim_people") }}),
    fit_points as (select * from {{ ref("int_fit_points") }}),
    behaviour_points as (
        select * from {{ ref("fct_score_points") }} where score_kind = 'behaviour'
    ),
    points_by_day as (select * from {{ ref("int_points_by_day") }}),
    earned as (select * from {{ ref("int_points_earned") }}),
    rules as (select * from {{ ref("int_rules_in_use") }}),
    bands as ({{ bands_with_ends() }}),
    bant as (select * from {{ ref("fct_lead_bant") }}),
    timing as (select * from {{ ref("fct_lead_timing") }}),
    nurture as (select * from {{ ref("fct_nurture_degree") }}),
    standings as (select * from {{ ref("int_standings") }}),

    behaviour as (
        select
            person_id,
            sum(points) as behaviour_score,
            sum(case when was_anonymous then points else 0 end) as anonymous_points,
            cast(count(*) as bigint) as deeds_counted
        from behaviour_points
        group by person_id
    ),

    fit as (
        select person_id, sum(points) as fit_score from fit_points group by person_id
    ),

    -- Plain sums beside the score, without the rules' caps, windows and half-lives:
    -- what was earned in the last 7, 30, 90 days (day 0 to day n - 1).
    points_with_age as (
        select
            points_by_day.person_id,
            points_by_day.deeds * cast(rules.points as decimal(18, 6)) as points,
            {{ dbt.datediff("points_by_day.occurred_on", as_of_date(), "day") }}
            as age_days
        from points_by_day
        inner join rules on points_by_day.rule_id = rules.rule_id
        where
            points_by_day.occurred_on
            > cast({{ dbt.dateadd("day", -longest, as_of_date()) }} as date)
    ),

    earned_lately as (
        select
            person_id,
            {% for days in windows %}
                sum(
                    case when age_days < {{ days }} then points else 0 end
                ) as score_{{ days }}d
                {%- if not loop.last %},{% endif %}
            {% endfor %}
        from points_with_age
        group by person_id
    ),

    -- NULL where nobody asked: unknown is not no.
    bant_counted as (
        select
            person_id,
            cast(count(*) filter (where is_positive) as integer) as bant_score,
            cast(count(*) as integer) as bant_known
        from bant
        group by person_id
    ),

    nurture_best as (
        select person_id, max(nurture_degree) as nurture_degree
        from nurture
        group by person_id
    ),

    scores as (
        select
            people.person_id,
            cast(coalesce(fit.fit_score, 0) as decimal(18, 6)) as fit_score,
            cast(
                coalesce(behaviour.behaviour_score, 0) as decimal(18, 6)
            ) as behaviour_score,
            cast(
                coalesce(fit.fit_score, 0)
                + coalesce(behaviour.behaviour_score, 0) as decimal(18, 6)
            ) as total_score,
            cast(
                coalesce(behaviour.anonymous_points, 0) as decimal(18, 6)
            ) as anonymous_points,
            coalesce(behaviour.deeds_counted, 0) as deeds_counted,
            {% for days in windows %}
                cast(
                    coalesce(earned_lately.score_{{ days }}d, 0) as decimal(18, 6)
                ) as score_{{ days }}d,
            {% endfor %}
            coalesce(earned.points_ever, 0) as score_lifetime,
            cast(
                coalesce(
                    round(
                        earned.faded_points * power(
                            0.5,
                            cast(
                                {{
                                    dbt.datediff(
                                        "earned.last_on", as_of_date(), "day"
                                    )
                                }} as double
                            )
                            / {{ var("score_half_life_days") }}
                        ),
                        6
                    ),
                    0
                ) as decimal(18, 6)
            ) as score_half_life,
            bant_counted.bant_score,
            coalesce(bant_counted.bant_known, 0) as bant_known,
            timing.timing_30d,
            timing.timing_90d,
            nurture_best.nurture_degree,
            standings.standing
        from people
        inner join standings on people.person_id = standings.person_id
        left join fit on people.person_id = fit.person_id
        left join behaviour on people.person_id = behaviour.person_id
        left join earned on people.person_id = earned.person_id
        left join earned_lately on people.person_id = earned_lately.person_id
        left join bant_counted on people.person_id = bant_counted.person_id
        left join timing on people.person_id = timing.person_id
        left join nurture_best on people.person_id = nurture_best.person_id
    ),

    scores_by_kind as (
        {% for kind in ["fit", "behaviour", "total"] %}
            select person_id, '{{ kind }}' as band_kind, {{ kind }}_score as score
            from scores
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    scores_banded as (
        select scores_by_kind.person_id, scores_by_kind.band_kind, bands.band
        from scores_by_kind
        inner join
            bands
            on scores_by_kind.band_kind = bands.band_kind
            and {{ is_in_band("scores_by_kind.score") }}
    ),

    grades as (
        select
            person_id,
            max(case when band_kind = 'fit' then band end)
            || max(case when band_kind = 'behaviour' then band end) as grade,
            max(case when band_kind = 'total' then band end) as score_band
        from scores_banded
        group by person_id
    )

select scores.*, grades.grade, grades.score_band, {{ as_of_date() }} as as_of
from scores
inner join grades on scores.person_id = grades.person_id
