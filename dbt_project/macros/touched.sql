{#
  Increments by touched keys (design decision 6). A model of the strategy `touched` selects whole groups of rows
  that its new rows touch; the strategy takes the group's former rows away and puts the selected ones in. With
  `meta: from_first` a group is a key from its first selected moment on (a visitor's sessions from the touched one
  on); without it, all rows of the key (a touch).

  The first moment of all goes into the statement as a literal, so that the engine skips the blocks of rows that
  are older: cost follows the new rows, not the history.
#}
{% macro get_incremental_touched_sql(arg_dict) %}
    {%- set target, source = arg_dict["target_relation"], arg_dict["temp_relation"] -%}
    {%- set key, meta = arg_dict["unique_key"], config.get("meta", {}) -%}
    {%- set clock = meta.get("clock") -%}
    {%- set columns = (
        arg_dict["dest_columns"] | map(attribute="quoted") | join(", ")
    ) -%}
    {%- set first = first_moment("select min(" ~ clock ~ ") from " ~ source) -%}
    {%- set touched -%}
        select {{ key }} as touched_key, min({{ clock }}) as touched_from
        from {{ source }}
        group by {{ key }}
    {%- endset -%}
    {%- if first -%}
        {%- set former -%}
            {{ clock }} >= {{ first }}
            {% if meta.get("from_first") %}
                -- By equality first, which is far cheaper and leaves little.
                and {{ key }} in (select {{ key }} from {{ source }})
                and exists (
                    select 1
                    from ({{ touched }}) as touched
                    where
                        touched.touched_key = {{ target }}.{{ key }}
                        and {{ target }}.{{ clock }} >= touched.touched_from
                )
            {% else %} and {{ key }} in (select {{ key }} from {{ source }})
            {% endif %}
        {%- endset -%}
        {{ "delete from " ~ target ~ " where " ~ former ~ ";" }}
    {%- endif %}
    insert into {{ target }} ({{ columns }})
    select {{ columns }}
    from {{ source }}
{% endmacro %}

{# The one timestamp that a query finds, as a literal; none where it finds nothing. #}
{% macro first_moment(query) -%}
    {%- if execute -%}
        {%- set found = (
            run_query(
                "select 't' || cast(found as "
                ~ dbt.type_string()
                ~ ") from ("
                ~ query
                ~ ") as moments (found)"
            )
            .columns[0]
            .values()[0]
        ) -%}
        {{ return("cast('" ~ found[1:] ~ "' as timestamp)" if found else none) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{#
  Of whom a touch is told anew, or was told in `former`, a table of the build before, and is no more; and the first day
  of such touches. What was before it has not changed. Nobody where all is built anew.
#}
{% macro people_told_anew(former) -%}
    with

        touches_changed as (select * from {{ ref("int_touches_changed") }}),

        people_told as (
            select person_id, {{ local_date("occurred_at") }} as told_on
            from touches_changed
            where person_id is not null
    {% if is_incremental() %}
                union all
                select person_id, occurred_on
                from {{ former }}
                where
        {{ rows_that(former, "touch_id in (select touch_id from touches_changed)") }}
    {% endif %}
        )

    select person_id, min(told_on) as changed_from
    from people_told
    group by person_id
{%- endmacro %}

{# Rows of a relation by person and day that int_people_rescored tells to be written anew. #}
{% macro is_rescored(relation, day) -%}
    -- By equality first, which is far cheaper and leaves little.
    {{ relation }}.person_id in (select person_id from {{ ref("int_people_rescored") }})
    and exists (
        select 1
        from {{ ref("int_people_rescored") }} as rescored
        where
            rescored.person_id = {{ relation }}.person_id
            and rescored.changed_from <= {{ relation }}.{{ day }}
    )
{%- endmacro %}
