{# The scores of each person on the days of the curve and the cuts of the back-test, from what was known on each day:
   a deed of an unknown browser counts from the day the browser was known, an attribute from the day somebody said it. #}
with

    people as (select * from {{ ref("dim_people") }}),
    score_days as (select distinct scored_on from {{ ref("int_score_days") }}),
    behaviour_added_up as (select * from {{ ref("int_score_sums") }}),
    fit_periods as (select * from {{ ref("int_fit_periods") }}),

    fit_added_up as (
        select
            score_days.scored_on,
            fit_periods.person_id,
            sum(fit_periods.points) as fit_score
        from fit_periods
        inner join
            score_days
            on fit_periods.valid_from <= score_days.scored_on
            and (
                fit_periods.valid_to is null
                or fit_periods.valid_to > score_days.scored_on
            )
        group by score_days.scored_on, fit_periods.person_id
    ),

    people_on_days as (
        select people.person_id, score_days.scored_on
        from people
        inner join
            score_days
            on {{ local_date("people.first_seen_at") }} <= score_days.scored_on
    ),

    history as (
        select
            people_on_days.person_id,
            people_on_days.scored_on,
            cast(
                coalesce(behaviour_added_up.behaviour_score, 0) as decimal(18, 6)
            ) as behaviour_score,
            cast(coalesce(fit_added_up.fit_score, 0) as decimal(18, 6)) as fit_score,
            cast(
                coalesce(behaviour_added_up.behaviour_score, 0)
                + coalesce(fit_added_up.fit_score, 0) as decimal(18, 6)
            ) as total_score
        from people_on_days
        left join
            behaviour_added_up
            on people_on_days.person_id = behaviour_added_up.person_id
            and people_on_days.scored_on = behaviour_added_up.scored_on
        left join
            fit_added_up
            on people_on_days.person_id = fit_added_up.person_id
            and people_on_days.scored_on = fit_added_up.scored_on
    )

select *
from history
