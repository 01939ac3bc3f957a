{%- set attributes = [
    "person_name_raw",
    "person_kana",
    "email",
    "phone",
    "company_name",
    "company_key",
    "department",
    "position",
    "prefecture",
    "industry",
] -%}

with

    sightings as (select * from {{ ref("int_sightings") }}),
    identifiers as (select * from {{ ref("person_identifiers") }}),
    trust as (select * from {{ ref("sources_trust") }}),

    -- A record speaks for the strongest identifier it holds.
    sightings_of_people as (
        select sightings.*, identifiers.person_id, trust.trust
        from sightings
        inner join
            identifiers
            on coalesce(
                'email:' || sightings.email,
                'crm_lead:' || sightings.crm_lead,
                'phone_name:' || sightings.phone || '|' || sightings.person_name,
                'card:' || sightings.company_key || '|' || sightings.person_name
            )
            = identifiers.identifier
        inner join trust on sightings.source = trust.source
    ),

    attribute_values as (
        {% for attribute in attributes %}
            select
                person_id,
                '{{ attribute }}' as attribute,
                {{ attribute }} as attribute_value,
                source,
                seen_at,
                trust,
                row_key
            from sightings_of_people
            where {{ attribute }} is not null
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    -- The more trusted source wins, then the later word, then (only for a stable
    -- answer) the smaller text.
    ranked as (
        select
            *,
            row_number() over (
                partition by person_id, attribute
                order by trust desc, seen_at desc, attribute_value, row_key
            ) as value_rank
        from attribute_values
    ),

    winners as (
        select person_id, attribute, attribute_value, source, seen_at, row_key
        from ranked
        where value_rank = 1
    )

select *
from winners
