{#
  K25: what the stock of people is worth: orders to be expected of each within 24 months. The rate of orders per person
  and month is counted by age in bands since the lead came (no order yet) or since the last order (customers); ages that
  nobody has reached yet go on at the rate of the oldest band that was watched. An interval has two parts: the chance of
  each person, and the rates themselves, which rest on so many orders.
#}
{%- set bands = [(0, 1), (1, 3), (3, 6), (6, 12), (12, 24), (24, 600)] %}
with

    leads as (select * from {{ ref("int_leads_acquired") }}),

    orders as (select * from {{ ref("fct_orders") }}),

    orders_of_people as (
        select
            person_id,
            ordered_at,
            gross_margin_jpy,
            lead(ordered_at) over (
                partition by person_id order by ordered_at, order_id
            ) as next_ordered_at
        from orders
        where person_id is not null
    ),

    first_orders as (
        select person_id, min(ordered_at) as ordered_at
        from orders_of_people
        group by person_id
    ),

    -- a wait for an order: from the form to the first one, and from each to the next
    waits as (
        select
            leads.person_id,
            'no_order' as standing,
            leads.lead_at as waits_from,
            first_orders.ordered_at as ordered_at
        from leads
        left join first_orders on leads.person_id = first_orders.person_id
        where
            first_orders.ordered_at is null or first_orders.ordered_at >= leads.lead_at
        union all
        select person_id, 'customer', ordered_at, next_ordered_at
        from orders_of_people
    ),

    waits_timed as (
        select
            person_id,
            standing,
            ordered_at is not null as has_ended,
            cast(
                {{
                    seconds_between(
                        "waits_from", "coalesce(ordered_at, " ~ as_of_end() ~ ")"
                    )
                }} / 86400 / 30.4375 as decimal(18, 6)
            ) as months_waited
        from waits
    ),

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
            waits_timed.standing,
            bands.from_month,
            bands.to_month,
            cast(
                sum(
                    least(waits_timed.months_waited, bands.to_month) - bands.from_month
                ) as double
            ) as months_watched,
            cast(
                count(*) filter (
                    where
                        waits_timed.has_ended
                        and waits_timed.months_waited < bands.to_month
                ) as double
            ) as orders
        from waits_timed
        inner join bands on waits_timed.months_waited > bands.from_month
        group by waits_timed.standing, bands.from_month, bands.to_month
    ),

    -- the oldest band with enough watching speaks for all that is older
    rates as (
        select
            standing,
            from_month,
            case
                when from_month = max(from_month) over (partition by standing)
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
            waits_timed.person_id,
            waits_timed.standing,
            rates.from_month,
            rates.rate,
            rates.orders,
            rates.months_watched,
            cast(
                least(waits_timed.months_waited + 24, rates.to_month)
                - greatest(waits_timed.months_waited, rates.from_month) as double
            ) as months_ahead
        from waits_timed
        inner join
            rates
            on waits_timed.standing = rates.standing
            and waits_timed.months_waited < rates.to_month
            and waits_timed.months_waited + 24 > rates.from_month
        where not waits_timed.has_ended
    ),

    expected as (
        select
            person_id,
            standing,
            1 - exp(
                - cast(sum(cast(rate * months_ahead as decimal(24, 12))) as double)
            ) as chance
        from ahead
        group by person_id, standing
    )

select
    {{ surrogate_key(["ahead.person_id", "ahead.from_month"]) }} as asset_id,
    ahead.person_id,
    ahead.standing,
    ahead.from_month,
    cast(expected.chance as decimal(18, 12)) as chance_24m,
    -- how much the expectation moves with this band's rate
    cast((1 - expected.chance) * ahead.months_ahead as decimal(24, 12)) as sensitivity,
    cast(
        ahead.orders / ahead.months_watched / ahead.months_watched as decimal(24, 12)
    ) as rate_variance,
    row_number() over (partition by ahead.person_id order by ahead.from_month)
    = 1 as is_first_band
from ahead
inner join expected on ahead.person_id = expected.person_id
