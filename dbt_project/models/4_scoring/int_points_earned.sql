{#
  What each person ever earned, without the rules' caps, windows and half-lives: plainly, and with one half-life for
  all as of the day of the last deed. From then on that sum fades as a whole, so no day but one with news asks for the
  deeds again. Of people whose deeds are told anew it is worked out anew.
#}
{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{% if is_incremental() %} delete from {{ this }} where person_id in (select person_id from {{ ref('int_people_rescored') }}) {% endif %}",
    )
}}
{%- set people_rescored = ref("int_people_rescored") %}
{%- set half_life = var("score_half_life_days") %}

with

    points_by_day as (
        select *
        from {{ ref("int_points_by_day") }}
        {% if is_incremental() %}
            where person_id in (select person_id from {{ people_rescored }})
        {% endif %}
    ),
    rules as (select * from {{ ref("int_rules_in_use") }}),

    last_days as (
        select person_id, max(occurred_on) as last_on
        from points_by_day
        group by person_id
    ),

    earned as (
        select
            points_by_day.person_id,
            last_days.last_on,
            points_by_day.deeds * cast(rules.points as decimal(18, 6)) as points,
            {{ dbt.datediff("points_by_day.occurred_on", "last_days.last_on", "day") }}
            as days_before
        from points_by_day
        inner join last_days on points_by_day.person_id = last_days.person_id
        inner join rules on points_by_day.rule_id = rules.rule_id
    )

select
    person_id,
    last_on,
    cast(sum(points) as decimal(18, 6)) as points_ever,
    -- Each part is a decimal, so that the order in which they are added is no matter.
    cast(
        sum(
            cast(
                points
                * power(0.5, cast(days_before as double) / {{ half_life }}) as decimal(
                    38, 12
                )
            )
        ) as decimal(38, 12)
    ) as faded_points
from earned
group by person_id, last_on
