{# Of the people who got so many sends in a month, how many left, over all months, with Wilson's 95 % interval (1927). #}
with

    pressure as (
        select
            sends_from,
            cast(sum(people) as double) as people,
            cast(sum(sends) as bigint) as sends,
            cast(sum(people_left) as double) as people_left
        from {{ ref("fct_contact_pressure") }}
        group by sends_from
    ),

    rates as (select *, people_left / people as leaving_rate from pressure)

select
    sends_from,
    sends,
    cast(people as bigint) as person_months,
    cast(people_left as bigint) as people_left,
    leaving_rate,
    greatest(
        0,
        (
            leaving_rate
            + 1.920729 / people
            - 1.959964
            * sqrt(
                leaving_rate * (1 - leaving_rate) / people + 0.9603645 / people / people
            )
        )
        / (1 + 3.841459 / people)
    ) as leaving_rate_low,
    (
        leaving_rate
        + 1.920729 / people
        + 1.959964
        * sqrt(leaving_rate * (1 - leaving_rate) / people + 0.9603645 / people / people)
    )
    / (1 + 3.841459 / people) as leaving_rate_high
from rates
