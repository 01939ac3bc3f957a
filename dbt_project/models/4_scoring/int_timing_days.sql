{# The chance of an opportunity within 30 and 90 days on the as-of day and on the cuts: a logistic sum of the features
   by timing_weights.csv. #}
with

    features as (select * from {{ ref("int_timing_features") }}),
    weights as (select * from {{ ref("timing_weights") }}),

    sums as (
        select
            features.person_id,
            features.scored_on,
            weights.horizon_days,
            -- decimals add up to the same digits in any order
            cast(
                sum(
                    cast(
                        cast(weights.weight as double)
                        * features.feature_value as decimal(24, 12)
                    )
                ) as double
            ) as log_odds
        from features
        inner join weights on features.feature = weights.feature
        group by features.person_id, features.scored_on, weights.horizon_days
    ),

    chances as (
        select
            person_id,
            scored_on,
            horizon_days,
            cast(round(1 / (1 + exp(- log_odds)), 6) as decimal(9, 6)) as chance
        from sums
    )

select *
from chances
