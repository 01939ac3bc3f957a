{#
  A back-test in two steps, for whatever was scored (people, companies). Both take rows of horizon_days, cut_on,
  score_kind, outcome, score and is_hit, told apart by `key`.
#}
{# The scored in the order of their scores, once with what they did and once with the outcomes dealt out anew: a score
   that finds shuffled outcomes too has seen the future. #}
{% macro outcomes_ranked(scored, key) -%}
    with

        outcomes_numbered as (
            select
                *,
                row_number() over (
                    partition by horizon_days, score_kind, outcome order by {{ key }}
                ) as seat,
                row_number() over (
                    partition by horizon_days, score_kind, outcome
                    order by md5({{ key }} || outcome), {{ key }}
                ) as seat_shuffled
            from {{ scored }}
        ),

        outcomes_dealt as (
            select
                horizon_days,
                cut_on,
                score_kind,
                outcome,
                {{ key }},
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
                sitting.{{ key }},
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
        )

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
            order by score desc, md5({{ key }}), {{ key }}
        ) as place,
        count(*) over (
            partition by horizon_days, score_kind, outcome, is_shuffled
        ) as scored
    from outcomes_dealt
{%- endmacro %}

{# One row per score, outcome and horizon. Below `fewest_outcomes` hits there is no figure, only n: a rate of few says
   more of chance than of scores. `ranked` has the rows of outcomes_ranked. #}
{% macro ranks_judged(ranked) -%}
    {%- set z = 1.959963984540054 -%}
    with

        added_up as (
            select
                score_kind,
                outcome,
                horizon_days,
                cut_on,
                is_shuffled,
                cast(count(*) as bigint) as scored,
                cast(count(*) filter (where is_hit) as bigint) as hits,
                cast(sum(mean_rank) filter (where is_hit) as double) as rank_sum,
                cast(
                    count(*) filter (where is_hit and place <= scored / 10.0) as double
                ) as hits_in_top_tenth,
                cast(
                    count(*) filter (where place <= scored / 10.0) as double
                ) as top_tenth,
                cast(
                    sum(
                        cast(
                            power(
                                score - case when is_hit then 1.0 else 0.0 end, 2
                            ) as decimal(24, 12)
                        )
                    ) as double
                )
                / count(*) as brier_score
            from {{ ranked }}
            group by score_kind, outcome, horizon_days, cut_on, is_shuffled
        ),

        judged as (
            select
                *,
                hits >= {{ var("fewest_outcomes") }} as is_enough,
                (rank_sum - hits * (hits + 1) / 2.0)
                / nullif(cast(hits as double) * (scored - hits), 0) as auc,
                -- of a score that knows nothing
                sqrt(
                    (scored + 1) / nullif(12.0 * hits * (scored - hits), 0)
                ) as auc_standard_error,
                hits_in_top_tenth / nullif(hits, 0) as found_in_top_tenth
            from added_up
        ),

        -- The spread of the AUC itself (Hanley and McNeil 1982).
        judged_with_spread as (
            select
                *,
                {{ z }} * sqrt(
                    greatest(
                        0.0,
                        auc * (1 - auc)
                        + (hits - 1) * (auc / (2 - auc) - auc * auc)
                        + (scored - hits - 1) * (2 * auc * auc / (1 + auc) - auc * auc)
                    )
                    / nullif(cast(hits as double) * (scored - hits), 0)
                ) as auc_spread
            from judged
        )

    select
        judged.score_kind,
        judged.outcome,
        judged.horizon_days,
        judged.cut_on,
        judged.scored,
        judged.hits,
        judged.is_enough,
        case when judged.is_enough then judged.auc end as auc,
        case
            when judged.is_enough then judged.auc_standard_error
        end as auc_standard_error,
        case
            when judged.is_enough then greatest(0.0, judged.auc - judged.auc_spread)
        end as auc_low,
        case
            when judged.is_enough then least(1.0, judged.auc + judged.auc_spread)
        end as auc_high,
        case when judged.is_enough then shuffled.auc end as auc_shuffled,
        case
            when judged.is_enough then judged.found_in_top_tenth
        end as found_in_top_tenth,
        case
            when judged.is_enough
            then judged.found_in_top_tenth / nullif(judged.top_tenth / judged.scored, 0)
        end as lift_in_top_tenth,
        case when judged.is_enough then judged.brier_score end as brier_score
    from judged_with_spread as judged
    inner join
        judged as shuffled
        on judged.score_kind = shuffled.score_kind
        and judged.outcome = shuffled.outcome
        and judged.horizon_days = shuffled.horizon_days
        and not judged.is_shuffled
        and shuffled.is_shuffled
{%- endmacro %}
