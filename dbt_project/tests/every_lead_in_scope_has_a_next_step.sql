{#
  What fails: a person in the nurture scope for whom no scenario decided anything.
  Why it matters: four of five leads buy later than sales can wait (FR03, FR04); a lead without a next step is a lead
  forgotten. Waiting is a step too, as long as it was decided.
#}
with

    people as (select * from {{ ref("dim_people") }}),

    tier_history as (select * from {{ ref("fct_tier_history") }}),

    tiers as (select * from {{ ref("tiers") }}),

    decisions as (select * from {{ ref("fct_scenario_decisions") }}),

    leads_in_scope as (
        select people.person_id
        from people
        inner join tier_history on people.person_id = tier_history.person_id
        inner join tiers on tier_history.tier = tiers.tier
        where
            tier_history.valid_to is null
            and tiers.in_nurture_scope
            and not people.is_internal
    )

select leads_in_scope.person_id
from leads_in_scope
left join decisions on leads_in_scope.person_id = decisions.person_id
where decisions.person_id is null
