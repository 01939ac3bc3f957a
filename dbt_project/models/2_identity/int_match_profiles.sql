{%- set attributes = [
    "person_name",
    "reading",
    "reading_turned",
    "email",
    "email_domain",
    "mail_name",
    "mail_name_turned",
    "mail_initial",
    "mail_word",
    "organisation",
    "company_key",
    "mobile",
    "landline",
    "department",
    "postal_code",
    "prefecture",
] -%}
with

    records as (select * from {{ ref("int_match_records") }}),

    values_given as (
        {% for attribute in attributes -%}
            select
                exact_person,
                '{{ attribute }}' as attribute,
                {{ attribute }} as given,
                count(*) as times
            from records
            where {{ attribute }} is not null
            group by exact_person, {{ attribute }}
            {% if not loop.last %}
                union all
            {% endif %}
        {%- endfor %}
    ),

    values_ranked as (
        select
            *,
            row_number() over (
                partition by exact_person, attribute order by times desc, given
            ) as place
        from values_given
    ),

    bearers as (
        select person_name, max(name_bearers) as name_bearers
        from records
        where person_name is not null
        group by person_name
    ),

    profiles as (
        select
            exact_person
            {%- for attribute in attributes %}
                ,
                max(
                    case when attribute = '{{ attribute }}' then given end
                ) as {{ attribute }}
            {%- endfor %}
        from values_ranked
        where place = 1
        group by exact_person
    )

select
    profiles.exact_person,
    {% for attribute in attributes %} profiles.{{ attribute }},{% endfor %}
    bearers.name_bearers,
    {{
        surrogate_key(
            ["profiles.exact_person", "bearers.name_bearers"]
            + (attributes | map("replace", "", "profiles.", 1) | list)
        )
    }} as profile_key
from profiles
left join bearers on profiles.person_name = bearers.person_name
