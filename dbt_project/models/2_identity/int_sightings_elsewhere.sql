{# People in the tables that have a form of their own. A mail parameter typed into a survey is no identifier
   here: mails are forwarded, and the one who answers would be taken for the one it was sent to. #}
{%- set sources = [
    ["surveys", "stg_surveys__answers", "answered_at"],
    ["touches", "stg_touches__entries", "occurred_at"],
    ["service", "stg_service__tickets", "opened_at"],
    ["points", "stg_points__ledger", "occurred_at"],
    ["social", "stg_social__touches", "occurred_at"],
    ["ab", "stg_ab__assignments", "assigned_at"],
] -%}
{%- set told_by = {
    "person_name": ["surveys", "touches", "service", "points", "social"],
    "person_name_raw": [
        "surveys",
        "touches",
        "service",
        "points",
        "social",
    ],
    "person_kana": ["touches"],
    "company_name": ["surveys", "touches", "service", "social"],
    "company_key": ["surveys", "touches", "service", "social"],
    "department": ["surveys", "touches"],
    "position": ["surveys", "touches"],
    "phone": ["surveys", "touches", "service", "points"],
    "prefecture": ["touches"],
} -%}
{%- set told_on_a_sheet = ["email", "lead_id"] -%}
with

    -- A sheet with ten questions is one record of its person, whose address may stand
    -- on one of the rows only.
    responses as (
        select
            response_id as row_key,
            {% for column in told_on_a_sheet %}
                max({{ column }}) as {{ column }},
            {% endfor %}
            {% for column, sources_told in told_by.items() if "surveys" in sources_told %}
                max({{ column }}) as {{ column }},
            {% endfor %}
            min(answered_at) as answered_at
        from {{ ref("stg_surveys__answers") }}
        group by response_id
    ),

    sightings as (
        {% for source, model, seen_at in sources %}
            select
                row_key,
                '{{ source }}' as source,
                {{ seen_at }} as seen_at,
                email,
                lead_id as crm_lead,
                {% for column, sources_told in told_by.items() %}
                    {% if source in sources_told %} {{ column }}
                    {% else %} cast(null as {{ dbt.type_string() }})
                    {% endif %} as {{ column }},
                {% endfor %}
                {% if source == "points" %} member_id
                {% else %} cast(null as {{ dbt.type_string() }})
                {% endif %} as member_id,
                {% if source == "social" %} network || ':' || account
                {% else %} cast(null as {{ dbt.type_string() }})
                {% endif %} as social_account
            from
                {% if source == "surveys" %} responses
                {% else %} {{ ref(model) }}
                {% endif %}
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    -- An account that nothing else is known of is nobody yet: its deeds wait under the
    -- account until some record says whose it is.
    accounts_known as (
        select distinct social_account
        from sightings
        where
            email is not null
            or crm_lead is not null
            or (person_name is not null and company_key is not null)
    ),

    people_seen as (
        select sightings.*
        from sightings
        left join
            accounts_known on sightings.social_account = accounts_known.social_account
        where
            sightings.social_account is null
            or accounts_known.social_account is not null
    )

select *
from people_seen
where
    email is not null
    or crm_lead is not null
    or member_id is not null
    or social_account is not null
    or person_name is not null
