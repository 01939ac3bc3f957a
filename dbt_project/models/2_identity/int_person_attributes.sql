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
    records as (select * from {{ ref("record_identifiers") }}),
    identifiers as (select * from {{ ref("person_identifiers") }}),
    trust as (select * from {{ ref("sources_trust") }}),

    sightings_of_people as (
        select
            sightings.row_key,
            sightings.source,
            sightings.seen_at,
            identifiers.person_id,
            trust.trust,
            sightings.person_name_raw,
            sightings.person_kana,
            -- An address that is somebody else's is no attribute of who typed it.
            case
                when
                    records.is_own_email
                    or records.identifier = 'email:' || sightings.email
                then sightings.email
            end as email,
            sightings.phone,
            sightings.company_name,
            sightings.company_key,
            sightings.department,
            sightings.position,
            sightings.prefecture,
            sightings.industry
        from sightings
        inner join
            records
            on sightings.row_key = records.row_key
            and sightings.source = records.source
        inner join identifiers on records.identifier = identifiers.identifier
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
