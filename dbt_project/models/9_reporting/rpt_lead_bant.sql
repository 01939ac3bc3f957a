with

    bant as (select * from {{ ref("fct_lead_bant") }}),

    bant_rules as (select * from {{ ref("bant_rules") }}),

    words_explained as (
        select
            bant.person_id,
            bant.dimension,
            bant.is_positive,
            bant.answer,
            bant.said_at,
            bant_rules.name_ja as rule_name_ja,
            bant_rules.name_en as rule_name_en,
            bant_rules.why_ja as rule_why_ja,
            bant_rules.why as rule_why_en
        from bant
        inner join bant_rules on bant.rule_id = bant_rules.rule_id
    )

select *
from words_explained
