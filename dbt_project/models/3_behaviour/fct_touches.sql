{# Every deed with its person. Rows that a build tells anew (int_touches_changed) take the place of the former ones. #}
{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook=[
            "{% if is_incremental() %} {{ touches_taken_back(this, ref('int_touches_changed'), from_the_web=true) }} {% endif %}",
            "{% if is_incremental() %} {{ touches_taken_back(this, ref('int_touches_changed'), from_the_web=false) }} {% endif %}",
        ],
    )
}}
-- depends_on: {{ ref("int_touches_changed") }}
{%- set page_views = "select * from " ~ ref("int_page_views") %}
{%- set sessions = "select * from " ~ ref("fct_sessions") %}
with

    touches as (
        {% if is_incremental() %}
            select * from {{ ref("int_touches_changed") }} where not is_gone
        {% else %}{{ touches_told(page_views, sessions) }}
        {% endif %}
    )

select {{ touch_columns() }}
from touches
