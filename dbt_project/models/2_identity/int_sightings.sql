{# A record of a source that names somebody, in one shape for all sources: which column of a source tells which
   attribute. What a source does not tell is null. #}
{%- set never = "cast('1900-01-01' as timestamp)" -%}
{%- set who = ["person_name", "person_name_raw", "person_kana"] -%}
{%- set where = [
    "company_name",
    "company_key",
    "department",
    "position",
    "phone",
    "prefecture",
] -%}
{%- set attributes = who + where + ["industry", "member_id", "social_account"] -%}
{%- set sources = [
    {
        "source": "forms",
        "rows": "submissions",
        "seen_at": "occurred_at",
        "email": "email",
        "tells": who + where + ["industry"],
    },
    {
        "source": "lists",
        "rows": "list_rows",
        "seen_at": "coalesce("
        ~ day_begins_at("collected_on")
        ~ ", "
        ~ never
        ~ ")",
        "email": "email",
        "tells": who + where,
    },
    {
        "source": "crm",
        "rows": "leads",
        "seen_at": "coalesce(created_at, updated_at, " ~ never ~ ")",
        "email": "email",
        "crm_lead": "lead_id",
        "tells": who + where + ["industry"],
    },
    {
        "source": "orders",
        "rows": "orders",
        "seen_at": "ordered_at",
        "email": "email",
        "crm_lead": "lead_id",
        "tells": [],
    },
    {
        "source": "email",
        "rows": "first_reports",
        "seen_at": "occurred_at",
        "email": "recipient",
        "mail_token": "mail_token",
        "tells": [],
    },
] -%}
{%- set unknown = "cast(null as " ~ dbt.type_string() ~ ")" -%}
with

    submissions as (select * from {{ ref("stg_forms__submissions") }}),
    list_rows as (select * from {{ ref("stg_lists__rows") }}),
    leads as (select * from {{ ref("stg_crm__leads") }}),
    orders as (select * from {{ ref("stg_crm__orders") }}),
    events as (select * from {{ ref("stg_email__events") }}),
    elsewhere as (select * from {{ ref("int_sightings_elsewhere") }}),

    recipients_ranked as (
        select
            *,
            row_number() over (
                partition by recipient, mail_token order by occurred_at, row_key
            ) as report_number
        from events
        where recipient is not null
    ),

    -- A mail parameter is reported with every event of its mail; the first report is
    -- evidence enough.
    first_reports as (select * from recipients_ranked where report_number = 1),

    sightings as (
        {% for told in sources %}
            select
                row_key,
                '{{ told.source }}' as source,
                {{ told.seen_at }} as seen_at,
                {{ told.email }} as email,
                {{ told.crm_lead or unknown }} as crm_lead,
                {{ told.mail_token or unknown }} as mail_token,
                {% for attribute in attributes %}
                    {{ attribute if attribute in told.tells else unknown }}
                    as {{ attribute }}
                    {% if not loop.last %},{% endif %}
                {% endfor %}
            from {{ told.rows }}
            union all
        {% endfor %}
        select
            row_key,
            source,
            seen_at,
            email,
            crm_lead,
            {{ unknown }} as mail_token,
            {% for attribute in attributes %}
                {{ unknown if attribute == "industry" else attribute }}
                as {{ attribute }}
                {% if not loop.last %},{% endif %}
            {% endfor %}
        from elsewhere
    )

select *
from sightings
