with

    gaps as (select * from {{ ref("lead_gaps") }}),
    requirements as (select * from {{ ref("stage_requirements") }}),
    tiers as (select * from {{ ref("tiers") }})

select
    gaps.person_id,
    gaps.ask_order,
    gaps.attribute,
    requirements.name_ja as attribute_name_ja,
    requirements.name_en as attribute_name_en,
    gaps.gap,
    gaps.ask_by,
    gaps.required_for,
    tiers.name_ja as required_for_ja,
    tiers.name_en as required_for_en,
    gaps.known_since,
    requirements.why
from gaps
inner join
    requirements
    on gaps.attribute = requirements.attribute
    and gaps.required_for = requirements.tier
inner join tiers on gaps.required_for = tiers.tier
