{#
  The score for deeds of each person on each day on which something got known, and the deed behind it: of that day,
  the last and weightiest. Of people whose deeds are told anew it is worked out anew, from the first day of such a
  deed on: a deed gets known on its day or later.
#}
{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{% if is_incremental() %} delete from {{ this }} where {{ is_rescored(this, 'scored_on') }} {% endif %}",
    )
}}
{%- set people_rescored = ref("int_people_rescored") %}

with

    points_given as (
        select *
        from {{ ref("int_touch_points") }} as touch_points
        {% if is_incremental() %}
            where {{ is_rescored("touch_points", "known_on") }}
        {% endif %}
    ),
    -- What was done before may still count on the days that are worked out anew.
    points_by_day as (
        select *
        from {{ ref("int_points_by_day") }}
        {% if is_incremental() %}
            where person_id in (select person_id from {{ people_rescored }})
        {% endif %}
    ),
    rules as (select * from {{ ref("int_rules_in_use") }}),

    deeds_ranked as (
        select
            person_id,
            known_on,
            touch_id,
            rule_id,
            occurred_at,
            rule_points,
            row_number() over (
                partition by person_id, known_on
                order by occurred_on desc, rule_points desc, occurred_at desc, touch_id
            ) as nearest_first
        from points_given
    ),

    days as (
        select
            person_id,
            known_on as scored_on,
            max(case when nearest_first = 1 then touch_id end) as touch_id,
            max(case when nearest_first = 1 then rule_id end) as rule_id,
            max(case when nearest_first = 1 then occurred_at end) as occurred_at,
            max(rule_points) > 0 as may_rise
        from deeds_ranked
        group by person_id, known_on
    ),

    points_then as (
        {{ points_added_up("points_by_day", "rules", "days", of_each_person=true) }}
    ),

    scores_then as (
        select person_id, scored_on, sum(points) as behaviour_score
        from points_then
        group by person_id, scored_on
    )

select
    days.person_id,
    days.scored_on,
    cast(scores_then.behaviour_score as decimal(18, 6)) as behaviour_score,
    days.may_rise,
    days.touch_id,
    rules.touch_type,
    days.occurred_at
from days
inner join rules on days.rule_id = rules.rule_id
left join
    scores_then
    on days.person_id = scores_then.person_id
    and days.scored_on = scores_then.scored_on
-- What is of one person lies together, and is found far cheaper.
order by days.person_id
