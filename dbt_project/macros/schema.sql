{# A stage's schema is the stage's word, without the target's prefix: people write `scoring.fct_lead_scores`. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}
