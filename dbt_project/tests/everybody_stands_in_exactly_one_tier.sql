{#
  What fails: a person without a current tier or with two, or whose periods leave a gap or overlap.
  Why it matters: the tiers are the one definition that all departments share (G03); a person in two tiers is counted
  twice and gets both mails.
#}
with

    people as (select * from {{ ref("dim_people") }}),

    tier_history as (select * from {{ ref("fct_tier_history") }}),

    current_counted as (
        select people.person_id, count(tier_history.tier) as current_tiers
        from people
        left join
            tier_history
            on people.person_id = tier_history.person_id
            and tier_history.valid_to is null
        group by people.person_id
    ),

    neighbours as (
        select
            person_id,
            valid_to,
            lead(valid_from) over (
                partition by person_id order by valid_from
            ) as next_from
        from tier_history
    )

select person_id, 'current tiers' as law
from current_counted
where current_tiers <> 1
union all
select person_id, 'gap or overlap' as law
from neighbours
where next_from is not null and (valid_to is null or valid_to <> next_from)
