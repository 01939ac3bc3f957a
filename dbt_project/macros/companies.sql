{# A company as people write it into a rule table: a corporate number, a mail domain, else a name, as the identifier
   that the models know it by. Names lose their legal form as in ingestion. #}
{% macro company_identifier(text) -%}
    case
        when length({{ text }}) = 13 and try_cast({{ text }} as bigint) is not null
        then 'number:' || {{ text }}
        when
            {{ text }} like '%_.__%'
            and {{ text }} not like '% %'
            and lower({{ text }}) = {{ text }}
            and upper({{ text }}) <> {{ text }}
        then 'domain:' || {{ text }}
        else 'name:' || {{ company_key(text) }}
    end
{%- endmacro %}

{% macro company_key(text) -%}
    {%- set bare = namespace(sql=text) -%}
    {%- for form in [
        "株式会社",
        "有限会社",
        "合同会社",
        "合資会社",
        "合名会社",
        "(株)",
        "（株）",
        "㈱",
        "(有)",
        "（有）",
        "㈲",
        " ",
        "　",
        "・",
        "-",
        "－",
    ] -%}
        {%- set bare.sql = "replace(" ~ bare.sql ~ ", '" ~ form ~ "', '')" -%}
    {%- endfor -%}
    upper({{ bare.sql }})
{%- endmacro %}

{# An IPv4 address as a number; NULL for anything else. #}
{% macro ipv4_number(address) -%}
    case
        when split_part({{ address }}, '.', 4) <> '' and {{ address }} not like '%:%'
        then
            try_cast(split_part({{ address }}, '.', 1) as bigint) * 16777216
            + try_cast(split_part({{ address }}, '.', 2) as bigint) * 65536
            + try_cast(split_part({{ address }}, '.', 3) as bigint) * 256
            + try_cast(split_part({{ address }}, '.', 4) as bigint)
    end
{%- endmacro %}
