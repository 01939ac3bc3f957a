{%- set sums = [
    "score_7d",
    "score_30d",
    "score_90d",
    "score_lifetime",
    "score_half_life",
] -%}
with

    people as (select * from {{ ref("dim_people") }}),
    points as (select * from {{ ref("fct_score_points") }}),
    given as (select * from {{ ref("int_points_by_day") }}),
    rules as (select * from {{ ref("int_rules_in_use") }}),
    bands as (select * from {{ ref("score_bands") }}),
    bant as (select * from {{ ref("fct_lead_bant") }}),
    timing as (select * from {{ ref("fct_lead_timing") }}),
    nurture as (select * from {{ ref("fct_nurture_degree") }}),
    standings as (select * from {{ ref("int_standings") }}),

    worth as (
        select
            person_id,
            sum(case when score_kind = 'fit' then points else 0 end) as fit_score,
            sum(
                case when score_kind = 'behaviour' then points else 0 end
            ) as behaviour_score
        from points
        group by person_id
    ),

    -- In whole millionths of a point, which add up to the same digits as decimals do
    -- and
    -- in less time.
    given_with_age as (
        select
            given.person_id,
            given.deeds,
            cast(rules.points as decimal(18, 6)) as rule_points,
            cast(rules.points * 1000000 as bigint) as rule_millionths,
            {{ dbt.datediff("given.occurred_on", as_of_date(), "day") }} as age_days
        from given
        inner join rules on given.rule_id = rules.rule_id
    ),

    -- Plain sums beside the score, without the rules' caps, windows and half-lives:
    -- what was earned in the last 7, 30, 90 days (day 0 to day n - 1), ever, and ever
    -- with one half-life for all.
    earned as (
        select
            person_id,
            {% for days in [7, 30, 90] %}
                sum(
                    case
                        when age_days < {{ days }} then deeds * rule_millionths else 0
                    end
                ) as score_{{ days }}d,
            {% endfor %}
            sum(deeds * rule_millionths) as score_lifetime,
            sum(
                deeds * cast(
                    1000000 * cast(
                        round(
                            rule_points * power(
                                0.5,
                                cast(age_days as double)
                                / {{ var("score_half_life_days") }}
                            ),
                            6
                        ) as decimal(18, 6)
                    ) as bigint
                )
            ) as score_half_life
        from given_with_age
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
            cast(coalesce(worth.fit_score, 0) as decimal(18, 6)) as fit_score,
            cast(
                coalesce(worth.behaviour_score, 0) as decimal(18, 6)
            ) as behaviour_score,
            cast(
                coalesce(worth.fit_score, 0)
                + coalesce(worth.behaviour_score, 0) as decimal(18, 6)
            ) as total_score,
            {% for sum in sums %}
                cast(
                    cast(coalesce(earned.{{ sum }}, 0) as decimal(24, 0))
                    * cast(0.000001 as decimal(7, 6)) as decimal(18, 6)
                ) as {{ sum }},
            {% endfor %}
            bant_counted.bant_score,
            coalesce(bant_counted.bant_known, 0) as bant_known,
            timing.timing_30d,
            timing.timing_90d,
            nurture_best.nurture_degree,
            standings.standing
        from people
        inner join standings on people.person_id = standings.person_id
        left join worth on people.person_id = worth.person_id
        left join earned on people.person_id = earned.person_id
        left join bant_counted on people.person_id = bant_counted.person_id
        left join timing on people.person_id = timing.person_id
        left join nurture_best on people.person_id = nurture_best.person_id
    ),

    scores_banded as (
        select
            scores.person_id,
            bands.band_kind,
            bands.band,
            row_number() over (
                partition by scores.person_id, bands.band_kind
                order by bands.min_score desc
            ) as band_rank
        from scores
        inner join
            bands
            on case
                bands.band_kind
                when 'fit'
                then scores.fit_score
                when 'behaviour'
                then scores.behaviour_score
                when 'total'
                then scores.total_score
            end
            >= bands.min_score
    ),

    grades as (
        select
            person_id,
            max(case when band_kind = 'fit' then band end)
            || max(case when band_kind = 'behaviour' then band end) as grade,
            max(case when band_kind = 'total' then band end) as score_band
        from scores_banded
        where band_rank = 1
        group by person_id
    )

select scores.*, grades.grade, grades.score_band, {{ as_of_date() }} as as_of
from scores
inner join grades on scores.person_id = grades.person_id
