{# What each rule gave for what was known of a person, and in which days. #}
with

    spans as (select * from {{ ref("person_attribute_spans") }}),
    rules as (select * from {{ ref("int_rules_in_use") }} where score_kind = 'fit'),

    -- One attribute gives points once: of several patterns that match (部長 and 本部長)
    -- the best.
    matches_ranked as (
        select
            spans.person_id,
            spans.attribute,
            spans.attribute_value,
            spans.valid_from,
            spans.valid_to,
            rules.rule_id,
            rules.rule_version,
            rules.points,
            row_number() over (
                partition by spans.person_id, spans.attribute, spans.valid_from
                order by rules.points desc, rules.rule_id
            ) as match_rank
        from spans
        inner join
            rules
            on spans.attribute = rules.attribute
            and spans.attribute_value like rules.attribute_pattern
    )

select
    person_id,
    rule_id,
    rule_version,
    cast(points as decimal(18, 6)) as points,
    attribute || ' = ' || attribute_value as evidence,
    valid_from,
    valid_to
from matches_ranked
where match_rank = 1
