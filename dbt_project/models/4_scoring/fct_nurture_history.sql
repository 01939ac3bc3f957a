{#
  The nurture degree at the end of each closed week (Sundays), from what was known by then. A week that has been told
  is told again only of people whose deeds are told anew; a new week is told of all.
#}
{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{% if is_incremental() %} delete from {{ this }} where person_id in (select person_id from {{ ref('int_people_retold') }}) or scored_on < cast('{{ closed_weeks() | first }}' as date) {% endif %}",
    )
}}
{%- set people_retold = ref("int_people_retold") %}
with

    deeds as (select * from {{ ref("int_topic_deeds") }}),

    weeks as (
        {% for week in closed_weeks() %}
            select cast('{{ week }}' as date) as scored_on
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    )

    {% if is_incremental() %}
        ,
        deeds_retold as (
            select *
            from deeds
            where person_id in (select person_id from {{ people_retold }})
        ),
        degrees_retold as ({{ nurture_degrees("deeds_retold", "weeks") }}),

        weeks_new as (
            select *
            from weeks
            where
                scored_on > (
                    select coalesce(max(built.scored_on), cast('1900-01-01' as date))
                    from {{ this }} as built
                )
        ),
        deeds_standing as (
            select *
            from deeds
            where
                person_id not in (select person_id from {{ people_retold }})
                and exists (select 1 from weeks_new)
        ),
        degrees_standing as ({{ nurture_degrees("deeds_standing", "weeks_new") }}),
        degrees as (
            select *
            from degrees_retold
            union all
            select *
            from degrees_standing
        )
    {% else %}, degrees as ({{ nurture_degrees("deeds", "weeks") }})
    {% endif %}

select person_id, scored_on, topic_kind, topic_id, deeds, nurture_degree
from degrees
