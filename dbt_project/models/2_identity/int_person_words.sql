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
    packs as (select * from {{ ref("attribute_packs") }}),
    answers as (select * from {{ ref("stg_surveys__answers") }}),
    records as (select * from {{ ref("record_identifiers") }}),
    identifiers as (select * from {{ ref("person_identifiers") }}),
    trust as (select * from {{ ref("sources_trust") }}),

    -- What a line of business asks beyond the usual, by the questions of its surveys.
    answers_of_packs as (
        select
            identifiers.person_id,
            packs.attribute,
            answers.answer as attribute_value,
            coalesce(trust.trust, 0) as trust,
            coalesce(trust.trust_class, 'observed') as trust_class,
            answers.answered_at as seen_at,
            answers.row_key
        from answers
        inner join
            packs on packs.is_on and answers.question_id like packs.question_pattern
        inner join
            records
            on records.source = 'surveys'
            and answers.response_id = records.row_key
        inner join identifiers on records.identifier = identifiers.identifier
        left join trust on trust.source = 'surveys'
        where answers.answer is not null
    ),

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
            union all
        {% endfor %}
        select
            person_id,
            cast(null as {{ dbt.type_string() }}) as company_id,
            attribute,
            attribute_value,
            'surveys' as source,
            trust,
            trust_class,
            seen_at,
            row_key
        from answers_of_packs
    )

select *
from words
