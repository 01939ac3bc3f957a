{# The behaviour score of each person on the days of the curve and the cuts of the back-test, from what was known on
   each day: a deed of an unknown browser counts from the day the browser was known. Attributes are not kept by day,
   so the fit score has no history here; `ikusei as-of` has it. #}
with

    people as (select * from {{ ref("dim_people") }}),
    score_days as (select * from {{ ref("int_score_days") }}),
    points_added_up as (select * from {{ ref("int_score_sums") }}),

    people_on_days as (
        select people.person_id, days.scored_on
        from people
        inner join
            (select distinct scored_on from score_days) as days
            on {{ local_date("people.first_seen_at") }} <= days.scored_on
    ),

    history as (
        select
            people_on_days.person_id,
            people_on_days.scored_on,
            cast(
                coalesce(points_added_up.behaviour_score, 0) as decimal(18, 6)
            ) as behaviour_score
        from people_on_days
        left join
            points_added_up
            on people_on_days.person_id = points_added_up.person_id
            and people_on_days.scored_on = points_added_up.scored_on
    )

select *
from history
