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
    )

select
    sends_from,
    sends,
    cast(people as bigint) as person_months,
    cast(people_left as bigint) as people_left,
    people_left / people as leaving_rate,
    {{ wilson_bound("people_left", "people", -1) }} as leaving_rate_low,
    {{ wilson_bound("people_left", "people", 1) }} as leaving_rate_high
from pressure
