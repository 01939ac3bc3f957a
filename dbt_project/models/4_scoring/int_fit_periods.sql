{# What each rule gave for what was known of a person, and in which days. A value is judged once, for all who have it. #}
with

    spans as (select * from {{ ref("person_attribute_spans") }}),
    rules as (select * from {{ ref("int_rules_in_use") }} where score_kind = 'fit'),

    attribute_values as (select distinct attribute, attribute_value from spans),

    -- One attribute gives points once: of several patterns that match (部長 and 本部長)
    -- the best.
    matches_ranked as (
        select
            attribute_values.attribute,
            attribute_values.attribute_value,
            rules.rule_id,
            rules.rule_version,
            rules.points,
            row_number() over (
                partition by
                    attribute_values.attribute, attribute_values.attribute_value
                order by rules.points desc, rules.rule_id
            ) as match_rank
        from attribute_values
        inner join
            rules
            on attribute_values.attribute = rules.attribute
            and attribute_values.attribute_value like rules.attribute_pattern
    ),

    best_matches as (
        select *, attribute || ' = ' || attribute_value as evidence
        from matches_ranked
        where match_rank = 1
    )

select
    spans.person_id,
    best_matches.rule_id,
    best_matches.rule_version,
    cast(best_matches.points as decimal(18, 6)) as points,
    best_matches.evidence,
    spans.valid_from,
    spans.valid_to
from spans
inner join
    best_matches
    on spans.attribute = best_matches.attribute
    and spans.attribute_value = best_matches.attribute_value
