{# What tells how soon somebody asks for an offer: few numbers, each between 0 and about 5, on the as-of day, on the
   cuts of the back-test and on the months to learn from, from what was known on each day. #}
with

    people as (select * from {{ ref("dim_people") }}),
    history as (select * from {{ ref("fct_score_history") }}),
    score_days as (
        select distinct scored_on
        from {{ ref("int_score_days") }}
        where day_use in ('as_of', 'cut', 'month')
    ),
    deeds_added_up as (select * from {{ ref("int_score_sums") }}),

    measured as (
        select
            history.person_id,
            history.scored_on,
            cast(history.behaviour_score as double) as behaviour_score,
            cast(coalesce(deeds_added_up.points_30d, 0) as double) as points_30d,
            cast(coalesce(deeds_added_up.least_points, 0) as double) as least_points,
            cast(deeds_added_up.silent_days as double) as silent_days,
            cast(
                {{
                    dbt.datediff(
                        local_date("people.first_seen_at"),
                        "history.scored_on",
                        "day",
                    )
                }} as double
            ) as known_days
        from history
        inner join score_days on history.scored_on = score_days.scored_on
        inner join people on history.person_id = people.person_id
        left join
            deeds_added_up
            on history.person_id = deeds_added_up.person_id
            and history.scored_on = deeds_added_up.scored_on
    ),

    features as (
        select person_id, scored_on, 'intercept' as feature, 1.0 as feature_value
        from measured
        union all
        select person_id, scored_on, 'behaviour', ln(1 + greatest(0.0, behaviour_score))
        from measured
        union all
        select person_id, scored_on, 'fresh_points', ln(1 + points_30d)
        from measured
        union all
        select person_id, scored_on, 'newly_known', power(0.5, known_days / 60)
        from measured
        union all
        select
            person_id,
            scored_on,
            'heard_lately',
            coalesce(power(0.5, silent_days / 30), 0)
        from measured
        union all
        select
            person_id,
            scored_on,
            'spoke_against',
            case when least_points < 0 then 1 else 0 end
        from measured
    )

select person_id, scored_on, feature, cast(feature_value as double) as feature_value
from features
