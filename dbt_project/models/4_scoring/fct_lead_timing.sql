with

    chances as (
        select * from {{ ref("int_timing_days") }} where scored_on = {{ as_of_date() }}
    ),
    standings as (select * from {{ ref("int_standings") }}),

    timing as (
        select
            standings.person_id,
            max(
                case when chances.horizon_days = 30 then chances.chance end
            ) as timing_30d,
            max(
                case when chances.horizon_days = 90 then chances.chance end
            ) as timing_90d
        from standings
        inner join chances on standings.person_id = chances.person_id
        -- With a deal under way there is nothing left to guess.
        where standings.standing <> 'open_deal'
        group by standings.person_id
    )

select person_id, timing_30d, timing_90d, {{ as_of_date() }} as as_of
from timing
