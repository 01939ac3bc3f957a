-- person_attribute_spans judges each day anew by the precedence of person_attributes,
-- with the company's records behind
-- it: its last stretch must hold what dim_people shows, or fit points were given for
-- what nobody sees.
{% set attributes = [
    "company_name",
    "department",
    "department_category",
    "position",
    "prefecture",
    "industry",
] %}
with

    people as (
        {% for attribute in attributes %}
            select
                person_id,
                '{{ attribute }}' as attribute,
                {{ attribute }} as attribute_value
            from {{ ref("dim_people") }}
            where {{ attribute }} is not null
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    spans as (
        select *
        from {{ ref("person_attribute_spans") }}
        where valid_to is null and attribute in ('{{ attributes | join("', '") }}')
    )

select
    coalesce(people.person_id, spans.person_id) as person_id,
    coalesce(people.attribute, spans.attribute) as attribute,
    people.attribute_value,
    spans.attribute_value as value_in_history
from people
full join
    spans on people.person_id = spans.person_id and people.attribute = spans.attribute
where
    people.attribute_value is null
    or spans.attribute_value is null
    or people.attribute_value <> spans.attribute_value
