{# The back-test's people in the order of their scores, with true and with shuffled outcomes. #}
with

    people_scored as (select * from {{ ref("int_backtest_people") }}),
    ranked as ({{ outcomes_ranked("people_scored", "person_id") }})

select *
from ranked
