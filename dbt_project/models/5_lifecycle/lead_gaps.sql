{# What is not known of a person and ought to be before the next tier. BANT that nobody asked about is a gap; a "no" is
   an answer. #}
with

    tier_history as (
        select * from {{ ref("fct_tier_history") }} where valid_to is null
    ),
    tiers as (select * from {{ ref("tiers") }}),
    requirements as (select * from {{ ref("stage_requirements") }}),
    attributes as (select * from {{ ref("person_attributes") }} where is_winner),
    bant as (select * from {{ ref("fct_lead_bant") }}),
    people as (select * from {{ ref("dim_people") }} where not is_internal),
    companies as (select * from {{ ref("dim_companies") }}),

    facts as (
        select
            person_id,
            attribute,
            is_stale,
            cast(verified_at as timestamp) as known_since
        from attributes
        union all
        select person_id, 'bant_' || dimension, false, cast(said_at as timestamp)
        from bant
        union all
        select people.person_id, 'employees', false, companies.employees_told_at
        from people
        inner join companies on people.company_id = companies.company_id
        where companies.employees is not null
    ),

    -- All that the next tier and those below it ask for.
    wanted as (
        select
            people.person_id,
            tier_history.tier,
            next_tiers.tier as next_tier,
            requirements.tier as required_for,
            requirements.attribute,
            requirements.ask_by,
            cast(
                row_number() over (
                    partition by people.person_id
                    order by asked_tiers.tier_rank, requirements.ask_order
                ) as integer
            ) as place
        from people
        inner join tier_history on people.person_id = tier_history.person_id
        inner join tiers on tier_history.tier = tiers.tier
        inner join tiers as next_tiers on tiers.tier_rank + 1 = next_tiers.tier_rank
        inner join tiers as asked_tiers on next_tiers.tier_rank >= asked_tiers.tier_rank
        inner join requirements on asked_tiers.tier = requirements.tier
    )

select
    wanted.person_id,
    wanted.tier,
    wanted.next_tier,
    wanted.required_for,
    wanted.attribute,
    wanted.ask_by,
    case when facts.person_id is null then 'never_told' else 'stale' end as gap,
    facts.known_since,
    cast(
        row_number() over (
            partition by wanted.person_id order by wanted.place
        ) as integer
    ) as ask_order
from wanted
left join
    facts on wanted.person_id = facts.person_id and wanted.attribute = facts.attribute
where facts.person_id is null or facts.is_stale
