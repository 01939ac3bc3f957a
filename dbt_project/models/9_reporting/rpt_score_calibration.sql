{#- What cannot be told from so few says so: `too_few` is a word of the locales (件数不足). -#}
with

    calibration as (select * from {{ ref("fct_score_calibration") }}),

    score_bands as (select * from {{ ref("score_bands") }}),

    told as (
        select
            calibration.score_kind,
            calibration.outcome,
            calibration.horizon_days,
            calibration.cut_on,
            calibration.band,
            score_bands.name_ja as band_name_ja,
            score_bands.name_en as band_name_en,
            calibration.min_score,
            calibration.people,
            calibration.hits,
            case
                when calibration.is_enough
                then
                    cast(
                        cast(
                            100 * calibration.rate as decimal(9, 1)
                        ) as {{ dbt.type_string() }}
                    )
                    || '%'
                else 'too_few'
            end as rate_told,
            case
                when calibration.is_enough
                then
                    cast(
                        cast(
                            100 * calibration.rate_low as decimal(9, 1)
                        ) as {{ dbt.type_string() }}
                    )
                    || '–'
                    || cast(
                        cast(
                            100 * calibration.rate_high as decimal(9, 1)
                        ) as {{ dbt.type_string() }}
                    )
                    || '%'
                else 'too_few'
            end as interval_told,
            calibration.expected_rate,
            calibration.rate,
            calibration.rate_low,
            calibration.rate_high
        from calibration
        inner join
            score_bands
            on calibration.score_kind = score_bands.band_kind
            and calibration.band = score_bands.band
    )

select *
from told
