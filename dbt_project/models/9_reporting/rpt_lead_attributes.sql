with

    attributes as (select * from {{ ref("person_attributes") }}),
    rules as (select * from {{ ref("attribute_rules") }}),
    verdicts as (select * from {{ ref("attribute_verdicts") }}),
    sources as (select * from {{ ref("sources_trust") }})

select
    attributes.person_id,
    attributes.attribute,
    rules.name_ja as attribute_name_ja,
    rules.name_en as attribute_name_en,
    attributes.attribute_value,
    attributes.source,
    coalesce(sources.name_ja, attributes.source) as source_name_ja,
    coalesce(sources.name_en, attributes.source) as source_name_en,
    attributes.trust_class,
    attributes.is_winner,
    verdicts.name_ja as verdict_name_ja,
    verdicts.name_en as verdict_name_en,
    attributes.last_seen_at,
    attributes.verified_at,
    attributes.age_days,
    attributes.is_stale,
    attributes.is_due_for_check
from attributes
inner join rules on attributes.attribute = rules.attribute
inner join verdicts on attributes.verdict = verdicts.verdict
left join sources on attributes.source = sources.source
