{# Below `fewest_outcomes` hits there is no figure, only n: a rate of few says more of chance than of scores. #}
with

    ranked as (select * from {{ ref("int_backtest_ranked") }}),

    added_up as (
        select
            score_kind,
            outcome,
            horizon_days,
            cut_on,
            is_shuffled,
            cast(count(*) as bigint) as people,
            cast(count(*) filter (where is_hit) as bigint) as hits,
            cast(sum(mean_rank) filter (where is_hit) as double) as rank_sum,
            cast(
                count(*) filter (where is_hit and place <= people / 10.0) as double
            ) as hits_in_top_tenth,
            cast(count(*) filter (where place <= people / 10.0) as double) as top_tenth,
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
        from ranked
        group by score_kind, outcome, horizon_days, cut_on, is_shuffled
    ),

    judged as (
        select
            *,
            hits >= {{ var("fewest_outcomes") }} as is_enough,
            (rank_sum - hits * (hits + 1) / 2.0)
            / nullif(cast(hits as double) * (people - hits), 0) as auc,
            -- of a score that knows nothing
            sqrt(
                (people + 1) / nullif(12.0 * hits * (people - hits), 0)
            ) as auc_standard_error,
            hits_in_top_tenth / nullif(hits, 0) as found_in_top_tenth
        from added_up
    ),

    judged_side_by_side as (
        select
            judged.score_kind,
            judged.outcome,
            judged.horizon_days,
            judged.cut_on,
            judged.people,
            judged.hits,
            judged.is_enough,
            case when judged.is_enough then judged.auc end as auc,
            case
                when judged.is_enough then judged.auc_standard_error
            end as auc_standard_error,
            case when judged.is_enough then shuffled.auc end as auc_shuffled,
            case
                when judged.is_enough then judged.found_in_top_tenth
            end as found_in_top_tenth,
            case
                when judged.is_enough
                then
                    judged.found_in_top_tenth
                    / nullif(judged.top_tenth / judged.people, 0)
            end as lift_in_top_tenth,
            case
                when
                    judged.is_enough
                    and judged.score_kind = 'timing'
                    and judged.outcome = 'opportunity'
                    and judged.horizon_days <= 90
                then judged.brier_score
            end as brier_score
        from judged
        inner join
            judged as shuffled
            on judged.score_kind = shuffled.score_kind
            and judged.outcome = shuffled.outcome
            and judged.horizon_days = shuffled.horizon_days
            and not judged.is_shuffled
            and shuffled.is_shuffled
    )

select *
from judged_side_by_side
