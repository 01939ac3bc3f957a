{# What each record says of a person, one row per attribute. A view: its readers take what they need. #}
{{ config(materialized="view") }}
{%- set attributes = [
    "person_name",
    "person_kana",
    "email",
    "phone",
    "company_name",
    "department",
    "position",
    "prefecture",
    "industry",
] -%}

with

    sightings as (select * from {{ ref("int_person_sightings") }}),

    words as (
        {% for attribute in attributes %}
            select
                person_id,
                company_id,
                '{{ attribute }}' as attribute,
                {{ attribute }} as attribute_value,
                source,
                trust,
                trust_class,
                seen_at,
                row_key
            from sightings
            where {{ attribute }} is not null
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    )

select *
from words
