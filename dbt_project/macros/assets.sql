{#
  Chances of an order ahead, from waits for one (K25). The rate of orders per person and month is counted by age in bands;
  ages that nobody has reached yet go on at the rate of the oldest band that was watched.

  Arguments: relation with stand_id (a day to stand on; several at once do not touch each other), months_ahead, person_id,
  standing, months_waited, has_ended. Yields one row per stand, person who still waits, and band that the months ahead
  touch: chance (of an order within them, the same in each band), sensitivity (how much it moves with this band's rate)
  and rate_variance.
#}
{% macro order_chances(waits) -%}
    {%- set bands = [(0, 1), (1, 3), (3, 6), (6, 12), (12, 24), (24, 600)] -%}
    with
        bands as (
            {%- for from_month, to_month in bands %}
                select
                    cast({{ from_month }} as decimal(18, 6)) as from_month,
                    cast({{ to_month }} as decimal(18, 6)) as to_month
                {% if not loop.last %}
                    union all
                {% endif %}
            {%- endfor %}
        ),

        watched as (
            select
                waits.stand_id,
                waits.standing,
                bands.from_month,
                bands.to_month,
                cast(
                    sum(
                        least(waits.months_waited, bands.to_month) - bands.from_month
                    ) as double
                ) as months_watched,
                cast(
                    count(*) filter (
                        where waits.has_ended and waits.months_waited < bands.to_month
                    ) as double
                ) as orders
            from {{ waits }} as waits
            inner join bands on waits.months_waited > bands.from_month
            group by waits.stand_id, waits.standing, bands.from_month, bands.to_month
        ),

        -- the oldest band with enough watching speaks for all that is older
        rates as (
            select
                stand_id,
                standing,
                from_month,
                case
                    when
                        from_month
                        = max(from_month) over (partition by stand_id, standing)
                    then cast(600 as decimal(18, 6))
                    else to_month
                end as to_month,
                orders,
                months_watched,
                orders / months_watched as rate
            from watched
            where months_watched >= 12
        ),

        ahead as (
            select
                waits.stand_id,
                waits.person_id,
                waits.standing,
                rates.from_month,
                rates.rate,
                rates.orders,
                rates.months_watched,
                cast(
                    least(waits.months_waited + waits.months_ahead, rates.to_month)
                    - greatest(waits.months_waited, rates.from_month) as double
                ) as months_in_band
            from {{ waits }} as waits
            inner join
                rates
                on waits.stand_id = rates.stand_id
                and waits.standing = rates.standing
                and waits.months_waited < rates.to_month
                and waits.months_waited + waits.months_ahead > rates.from_month
            where not waits.has_ended
        ),

        expected as (
            select
                stand_id,
                person_id,
                standing,
                1 - exp(
                    - cast(
                        sum(cast(rate * months_in_band as decimal(24, 12))) as double
                    )
                ) as chance
            from ahead
            group by stand_id, person_id, standing
        )

    select
        ahead.stand_id,
        ahead.person_id,
        ahead.standing,
        ahead.from_month,
        cast(expected.chance as decimal(18, 12)) as chance,
        cast(
            (1 - expected.chance) * ahead.months_in_band as decimal(24, 12)
        ) as sensitivity,
        cast(
            ahead.orders
            / ahead.months_watched
            / ahead.months_watched as decimal(24, 12)
        ) as rate_variance,
        row_number() over (
            partition by ahead.stand_id, ahead.person_id order by ahead.from_month
        )
        = 1 as is_first_band
    from ahead
    inner join
        expected
        on ahead.stand_id = expected.stand_id
        and ahead.person_id = expected.person_id
{%- endmacro %}

{# Months of 30.4375 days between two moments. #}
{% macro months_waited(earlier, later) -%}
    cast({{ seconds_between(earlier, later) }} / 86400 / 30.4375 as decimal(18, 6))
{%- endmacro %}
