with

    history as (select * from {{ ref("fct_score_history") }}),

    curve as (
        select person_id, scored_on, behaviour_score
        from history
        where
            -- the weeks of the curve, not the single days of the back-test
            mod(
                cast({{ dbt.datediff("scored_on", as_of_date(), "day") }} as integer), 7
            )
            = 0
            and scored_on
            >= {{ dbt.dateadd("day", -7 * var("score_curve_weeks"), as_of_date()) }}
    )

select *
from curve
