with

    episodes as (select * from {{ ref("int_opportunity_episodes") }}),

    -- each month's leads by themselves, and all together
    episodes_grouped as (
        select
            cast(cohort_month as {{ dbt.type_string() }}) as cohort,
            duration_days,
            is_event
        from episodes
        union all
        select 'all' as cohort, duration_days, is_event
        from episodes
    ),

    curves as ({{ kaplan_meier("episodes_grouped", "cohort") }}),

    -- the interval by the log-log of the curve, which keeps it between 0 and 1
    curves_bounded as (
        select
            *,
            case
                when survival > 0 and survival < 1
                then 1.959964 * sqrt(greenwood) / abs(ln(survival))
            end as spread
        from curves
    )

select
    cohort,
    age_days,
    at_risk,
    events,
    censored,
    survival,
    1 - survival as conversion,
    case
        when spread is null then 1 - survival else 1 - power(survival, exp(- spread))
    end as conversion_low,
    case
        when spread is null then 1 - survival else 1 - power(survival, exp(spread))
    end as conversion_high
from curves_bounded
where events > 0
