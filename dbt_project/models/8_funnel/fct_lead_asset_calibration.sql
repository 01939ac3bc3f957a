{#
  K25: was the asset right? It is worked out anew as it would have been 3, 6, 12 and 24 months ago, from the waits until
  then, and held against the orders that came since. The interval is that of fct_lead_assets: in 95 of 100 cases the
  orders lie in it.
#}
{%- set horizons = [3, 6, 12, 24] %}
with

    waits as (select * from {{ ref("int_order_waits") }}),

    stands as (
        {%- for horizon in horizons %}
            select
                '{{ horizon }}' as stand_id,
                {{ horizon }} as months_ahead,
                cast(
                    {{ dbt.dateadd("month", -horizon, as_of_end()) }} as timestamp
                ) as stood_at
            {% if not loop.last %}
                union all
            {% endif %}
        {%- endfor %}
    ),

    waits_then as (
        select
            stands.stand_id,
            stands.months_ahead,
            stands.stood_at,
            waits.person_id,
            waits.standing,
            waits.waits_from,
            waits.ordered_at,
            coalesce(waits.ordered_at < stands.stood_at, false) as has_ended
        from waits
        inner join stands on waits.waits_from < stands.stood_at
    ),

    waits_timed as (
        select
            *,
            {{
                months_waited(
                    "waits_from",
                    "case when has_ended then ordered_at else stood_at end",
                )
            }} as months_waited
        from waits_then
    ),

    chances as ({{ order_chances("waits_timed") }}),

    came as (
        select stand_id, standing, count(*) as people, count(ordered_at) as orders_came
        from waits_timed
        where not has_ended
        group by stand_id, standing
    ),

    expected as (
        select
            stand_id,
            standing,
            cast(sum(case when is_first_band then chance end) as double) as orders,
            cast(
                sum(
                    case
                        when is_first_band
                        then cast(chance * (1 - chance) as decimal(24, 12))
                    end
                ) as double
            ) as variance_of_chance
        from chances
        group by stand_id, standing
    ),

    by_rate as (
        select
            stand_id,
            standing,
            from_month,
            cast(sum(sensitivity) as double) as sensitivity,
            cast(max(rate_variance) as double) as rate_variance
        from chances
        group by stand_id, standing, from_month
    ),

    of_rates as (
        select
            stand_id,
            standing,
            cast(
                sum(
                    cast(sensitivity * sensitivity * rate_variance as decimal(30, 12))
                ) as double
            ) as variance_of_rates
        from by_rate
        group by stand_id, standing
    ),

    bounded as (
        select
            expected.stand_id,
            expected.standing,
            expected.orders,
            1.959964 * sqrt(
                expected.variance_of_chance + of_rates.variance_of_rates
            ) as half_width
        from expected
        inner join
            of_rates
            on expected.stand_id = of_rates.stand_id
            and expected.standing = of_rates.standing
    )

select
    {{ surrogate_key(["stands.stand_id", "came.standing"]) }} as calibration_id,
    cast(stands.months_ahead as bigint) as horizon_months,
    {{ local_date("stands.stood_at") }} as stood_on,
    came.standing,
    cast(came.people as bigint) as people,
    bounded.orders as expected_orders,
    greatest(bounded.orders - bounded.half_width, 0) as expected_low,
    bounded.orders + bounded.half_width as expected_high,
    cast(came.orders_came as bigint) as orders_came,
    came.orders_came >= bounded.orders - bounded.half_width
    and came.orders_came <= bounded.orders + bounded.half_width as is_within_interval
from came
inner join stands on came.stand_id = stands.stand_id
-- a stand with too little watching before it has no rates and says nothing
inner join
    bounded on came.stand_id = bounded.stand_id and came.standing = bounded.standing
