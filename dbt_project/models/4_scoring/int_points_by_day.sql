{#
  Points given, counted by person, rule and day: all that sums need, and a fraction of the deeds. Of people whose
  deeds are told anew it is counted anew, from the first day of such a deed on.
#}
{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{% if is_incremental() %} delete from {{ this }} where {{ is_rescored(this, 'occurred_on') }} {% endif %}",
    )
}}
-- depends_on: {{ ref("int_people_rescored") }}
with

    points_given as (
        select *
        from {{ ref("int_touch_points") }} as touch_points
        {% if is_incremental() %}
            where {{ is_rescored("touch_points", "occurred_on") }}
        {% endif %}
    )

select person_id, rule_id, occurred_on, known_on, cast(count(*) as bigint) as deeds
from points_given
group by person_id, rule_id, occurred_on, known_on
-- Of each year, what is of one person lies together, as in int_touch_points.
order by extract(year from occurred_on), person_id
