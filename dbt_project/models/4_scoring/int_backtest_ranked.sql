{# The back-test's people in the order of their scores, once with what they did and once with the outcomes dealt out
   anew: a score that finds shuffled outcomes too has seen the future. #}
with

    people as (select * from {{ ref("int_backtest_people") }}),

    outcomes_numbered as (
        select
            *,
            row_number() over (
                partition by horizon_days, score_kind, outcome order by person_id
            ) as seat,
            row_number() over (
                partition by horizon_days, score_kind, outcome
                order by md5(person_id || outcome), person_id
            ) as seat_shuffled
        from people
    ),

    outcomes_dealt as (
        select
            horizon_days,
            cut_on,
            score_kind,
            outcome,
            person_id,
            score,
            is_hit,
            false as is_shuffled
        from outcomes_numbered
        union all
        select
            sitting.horizon_days,
            sitting.cut_on,
            sitting.score_kind,
            sitting.outcome,
            sitting.person_id,
            sitting.score,
            dealt.is_hit,
            true as is_shuffled
        from outcomes_numbered as sitting
        inner join
            outcomes_numbered as dealt
            on sitting.horizon_days = dealt.horizon_days
            and sitting.score_kind = dealt.score_kind
            and sitting.outcome = dealt.outcome
            and sitting.seat = dealt.seat_shuffled
    ),

    ranked as (
        select
            *,
            -- the mean of the ranks that equal scores share (Mann and Whitney 1947)
            rank() over (
                partition by horizon_days, score_kind, outcome, is_shuffled
                order by score
            ) + (
                count(*) over (
                    partition by horizon_days, score_kind, outcome, is_shuffled, score
                )
                - 1
            )
            / 2.0 as mean_rank,
            row_number() over (
                partition by horizon_days, score_kind, outcome, is_shuffled
                order by score desc, md5(person_id), person_id
            ) as place,
            count(*) over (
                partition by horizon_days, score_kind, outcome, is_shuffled
            ) as people
        from outcomes_dealt
    )

select *
from ranked
