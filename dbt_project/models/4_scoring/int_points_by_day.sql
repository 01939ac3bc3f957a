{#
  Points given, counted by person, rule and day: all that sums need, and a fraction of the deeds. Of people whose
  deeds are told anew it is counted anew.
#}
{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{% if is_incremental() %} delete from {{ this }} where person_id in (select person_id from {{ ref('int_people_rescored') }}) {% endif %}",
    )
}}
{%- set people_rescored = ref("int_people_rescored") %}

with

    points_given as (
        select *
        from {{ ref("int_touch_points") }}
        {% if is_incremental() %}
            where person_id in (select person_id from {{ people_rescored }})
        {% endif %}
    )

select person_id, rule_id, occurred_on, known_on, cast(count(*) as bigint) as deeds
from points_given
group by person_id, rule_id, occurred_on, known_on
