{#
  Whose points for deeds this build may change: who has a deed that is told anew, and who had it before. Empty where
  all is built anew. It reads the points of the build before, so they are written after it.
#}
{{ config(materialized="incremental", incremental_strategy="renewed") }}
{%- set former_points = this.incorporate(path={"identifier": "int_touch_points"}) %}

with

    touches_changed as (select * from {{ ref("int_touches_changed") }}),

    people_rescored as (
        select person_id
        from touches_changed
        where person_id is not null
        {% if is_incremental() %}
            union
            select person_id
            from {{ former_points }}
            where touch_id in (select touch_id from touches_changed)
        {% endif %}
    )

select distinct person_id
from people_rescored
