{# What became of the people of each band, with Wilson's interval of 95 in 100 (1927). #}
with

    people as (select * from {{ ref("int_backtest_people") }}),
    bands as ({{ bands_with_ends() }}),

    people_banded as (
        select people.*, bands.band, bands.min_score
        from people
        inner join
            bands
            on people.score_kind = bands.band_kind
            and {{ is_in_band("people.score") }}
    ),

    added_up as (
        select
            score_kind,
            outcome,
            horizon_days,
            cut_on,
            band,
            min_score,
            cast(count(*) as double) as people,
            cast(count(*) filter (where is_hit) as double) as hits,
            -- decimals add up to the same digits in any order
            cast(sum(cast(score as decimal(18, 9))) as double) / count(*) as mean_score
        from people_banded
        group by score_kind, outcome, horizon_days, cut_on, band, min_score
    ),

    calibrated as (
        select
            score_kind,
            outcome,
            horizon_days,
            cut_on,
            band,
            min_score,
            cast(people as bigint) as people,
            cast(hits as bigint) as hits,
            people >= {{ var("fewest_people") }} as is_enough,
            case when score_kind = 'timing' then mean_score end as expected_rate,
            hits / people as rate,
            {{ wilson_bound("hits", "people", -1) }} as rate_low,
            {{ wilson_bound("hits", "people", 1) }} as rate_high
        from added_up
    )

select
    score_kind,
    outcome,
    horizon_days,
    cut_on,
    band,
    min_score,
    people,
    hits,
    is_enough,
    expected_rate,
    case when is_enough then rate end as rate,
    case when is_enough then rate_low end as rate_low,
    case when is_enough then rate_high end as rate_high
from calibrated
