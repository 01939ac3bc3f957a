{#
  Of whom a deed about something is told anew, or was told before and is no more. Empty where all is built anew. It
  reads the deeds of the build before, so they are written after it.
#}
{{ config(materialized="incremental", incremental_strategy="renewed") }}
{%- set former_deeds = this.incorporate(path={"identifier": "int_topic_deeds"}) %}

with

    touches_changed as (select * from {{ ref("int_touches_changed") }}),

    people_retold as (
        select person_id
        from touches_changed
        where person_id is not null
        {% if is_incremental() %}
            union
            select person_id
            from {{ former_deeds }}
            where touch_id in (select touch_id from touches_changed)
        {% endif %}
    )

select distinct person_id
from people_retold
