{% macro local_date(ts) -%} cast({{ local_timestamp(ts) }} as date) {%- endmacro %}

{% macro local_month(ts) -%}
    cast(date_trunc('month', {{ local_timestamp(ts) }}) as date)
{%- endmacro %}

{# Whole local days from a moment to the as-of day: 0 on the day itself. #}
{% macro age_in_days(ts) -%}
    {{ dbt.datediff(local_date(ts), as_of_date(), "day") }}
{%- endmacro %}

{# A key from parts: null and empty differ, and parts cannot run into each other. #}
{% macro surrogate_key(parts) -%}
    md5(
        {%- for part in parts %}
            coalesce(cast({{ part }} as {{ dbt.type_string() }}), '~')
            {% if not loop.last %} || chr(31) ||{% endif %}
        {%- endfor %}
    )
{%- endmacro %}
