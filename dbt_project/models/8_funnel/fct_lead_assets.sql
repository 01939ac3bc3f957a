{#
  K25: what the stock of people is worth: orders to be expected of each within 24 months, by macro order_chances. An
  interval has two parts: the chance of each person, and the rates themselves, which rest on so many orders.
#}
with

    waits as (select * from {{ ref("int_order_waits") }}),

    waits_timed as (
        select
            'today' as stand_id,
            24 as months_ahead,
            person_id,
            standing,
            ordered_at is not null as has_ended,
            {{
                months_waited(
                    "waits_from", "coalesce(ordered_at, " ~ as_of_end() ~ ")"
                )
            }} as months_waited
        from waits
    ),

    chances as ({{ order_chances("waits_timed") }})

select
    {{ surrogate_key(["person_id", "from_month"]) }} as asset_id,
    person_id,
    standing,
    from_month,
    chance as chance_24m,
    sensitivity,
    rate_variance,
    is_first_band
from chances
