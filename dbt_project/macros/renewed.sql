{#
  A small table of what one build says anew: an incremental model of the strategy `renewed` holds the rows of the
  last build alone. The facts behind it take them over; where all is built anew it is empty, for then everything is.
#}
{% macro get_incremental_renewed_sql(arg_dict) %}
    {%- set target = arg_dict["target_relation"] -%}
    {%- set columns = (
        arg_dict["dest_columns"] | map(attribute="quoted") | join(", ")
    ) -%}
    {{ "delete from " ~ target ~ " where 1 = 1;" }}
    insert into {{ target }} ({{ columns }})
    select {{ columns }}
    from {{ arg_dict["temp_relation"] }}
{% endmacro %}
