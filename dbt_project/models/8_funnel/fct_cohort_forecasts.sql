with

    episodes as (select * from {{ ref("int_opportunity_episodes") }}),

    curves as (select * from {{ ref("fct_opportunity_curves") }}),

    horizons as (
        select 91 as horizon_days
        union all
        select 182 as horizon_days
        union all
        select 365 as horizon_days
        union all
        select 730 as horizon_days
    ),

    -- how long anybody has been watched: no forecast beyond it
    watched as (select max(duration_days) as longest_days from episodes),

    curve_steps as (
        select
            age_days,
            lead(age_days) over (order by age_days) as next_age_days,
            survival,
            (conversion_high - conversion_low) / 2 / 1.959964 as standard_error
        from curves
        where cohort = 'all'
        union all
        select
            -1 as age_days,
            min(age_days) as next_age_days,
            1.0 as survival,
            0.0 as standard_error
        from curves
        where cohort = 'all'
    ),

    at_horizons as (
        select horizons.horizon_days, curve_steps.survival, curve_steps.standard_error
        from horizons
        cross join watched
        inner join
            curve_steps
            on horizons.horizon_days >= curve_steps.age_days
            and (
                curve_steps.next_age_days is null
                or horizons.horizon_days < curve_steps.next_age_days
            )
        where horizons.horizon_days <= watched.longest_days
    ),

    -- each lead still open: the chance of a deal between its age and the horizon,
    -- given none so far
    leads_ahead as (
        select
            episodes.person_id,
            episodes.cohort_month,
            at_horizons.horizon_days,
            episodes.is_event
            and episodes.duration_days <= at_horizons.horizon_days as is_reached,
            case
                when
                    episodes.is_event
                    or episodes.duration_days >= at_horizons.horizon_days
                then 0.0
                else
                    greatest(
                        1 - at_horizons.survival / nullif(curve_steps.survival, 0), 0.0
                    )
            end as chance,
            case
                when
                    episodes.is_event
                    or episodes.duration_days >= at_horizons.horizon_days
                then 0.0
                else at_horizons.standard_error / nullif(curve_steps.survival, 0)
            end as chance_error,
            not episodes.is_event
            and episodes.duration_days < at_horizons.horizon_days as is_open
        from episodes
        cross join at_horizons
        inner join
            curve_steps
            on episodes.duration_days >= curve_steps.age_days
            and (
                curve_steps.next_age_days is null
                or episodes.duration_days < curve_steps.next_age_days
            )
    ),

    cohorts as (
        select
            cohort_month,
            horizon_days,
            count(*) as leads,
            count(*) filter (where is_open) as leads_open,
            count(*) filter (where is_reached) as opportunities,
            cast(
                sum(cast(coalesce(chance, 0) as decimal(24, 12))) as double
            ) as expected_more,
            -- chance of each lead by itself, and the curve's own error, which all of
            -- them share
            cast(
                sum(
                    cast(coalesce(chance * (1 - chance), 0) as decimal(24, 12))
                ) as double
            ) + power(
                cast(sum(cast(coalesce(chance_error, 0) as decimal(24, 12))) as double),
                2
            ) as variance
        from leads_ahead
        group by cohort_month, horizon_days
    )

select
    {{ surrogate_key(["cohort_month", "horizon_days"]) }} as forecast_id,
    cohort_month,
    cast(horizon_days as integer) as horizon_days,
    cast(leads as bigint) as leads,
    cast(leads_open as bigint) as leads_open,
    cast(opportunities as bigint) as opportunities,
    (opportunities + expected_more) / leads as expected_rate,
    (opportunities + greatest(expected_more - 1.959964 * sqrt(variance), 0))
    / leads as expected_rate_low,
    (opportunities + least(expected_more + 1.959964 * sqrt(variance), leads_open))
    / leads as expected_rate_high
from cohorts
