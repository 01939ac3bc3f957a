{%- set attributes = [
    "department_category",
    "position",
    "industry",
    "company_name",
    "prefecture",
] -%}

with

    people as (select * from {{ ref("dim_people") }}),
    rules as (select * from {{ ref("int_rules_in_use") }} where score_kind = 'fit'),

    attribute_values as (
        {% for attribute in attributes %}
            select
                person_id,
                '{{ attribute }}' as attribute,
                {{ attribute }} as attribute_value
            from people
            where {{ attribute }} is not null
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    -- One attribute gives points once: of several patterns that match (部長 and 本部長)
    -- the best.
    matches_ranked as (
        select
            attribute_values.person_id,
            attribute_values.attribute,
            attribute_values.attribute_value,
            rules.rule_id,
            rules.rule_version,
            rules.points,
            row_number() over (
                partition by attribute_values.person_id, attribute_values.attribute
                order by rules.points desc, rules.rule_id
            ) as match_rank
        from attribute_values
        inner join
            rules
            on attribute_values.attribute = rules.attribute
            and attribute_values.attribute_value like rules.attribute_pattern
    )

select
    person_id,
    rule_id,
    rule_version,
    cast(points as decimal(18, 6)) as points,
    attribute || ' = ' || attribute_value as evidence
from matches_ranked
where match_rank = 1
