{# What is happening under the surface today: who comes more often than was usual for this person, and who less. #}
with

    changes as (
        select *
        from {{ ref("int_timing_changes") }}
        where scored_on = {{ as_of_date() }}
    )

select
    person_id,
    window_id,
    case
        when not is_enough
        then 'quiet'
        when change_z >= rising_z
        then 'rising'
        when change_z <= falling_z
        then 'falling'
        else 'steady'
    end as timing_signal,
    active_days_recent,
    active_days_before,
    cast(recent_days as integer) as recent_days,
    cast(before_days as integer) as before_days,
    change_z,
    scored_on as as_of
from changes
