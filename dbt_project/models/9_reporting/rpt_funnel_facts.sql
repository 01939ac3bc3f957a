{# What the diagnosis looks at, with its names. #}
with

    facts as (select * from {{ ref("fct_funnel_facts") }}),

    names as (select * from {{ ref("funnel_facts") }})

select
    facts.fact_id,
    names.name_ja,
    names.name_en,
    names.unit,
    facts.value,
    facts.months_from,
    facts.months_to
from facts
inner join names on facts.fact_id = names.fact_id
