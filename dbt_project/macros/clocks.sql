{# The three clocks (design decision 5). No model asks the machine what time it is. #}
{# The as-of day as a Jinja date: the var, or the day of the run's start in the zone. #}
{% macro as_of_day() -%}
    {%- if var("as_of") -%}
        {{
            return(
                modules.datetime.datetime.strptime(
                    var("as_of") | string, "%Y-%m-%d"
                ).date()
            )
        }}
    {%- else -%}
        {{
            return(
                run_started_at.astimezone(modules.pytz.timezone(var("zone"))).date()
            )
        }}
    {%- endif -%}
{%- endmacro %}

{% macro as_of_date() -%} cast('{{ as_of_day() }}' as date) {%- endmacro %}

{# The instant (UTC) at which the as-of day ends; everything before it counts, it itself does not. #}
{% macro as_of_end() -%}
    {%- set day = as_of_day() + modules.datetime.timedelta(days=1) -%}
    {%- set midnight = modules.datetime.datetime(day.year, day.month, day.day) -%}
    {%- set instant = (
        modules.pytz.timezone(var("zone"))
        .localize(midnight)
        .astimezone(modules.pytz.utc)
    ) -%}
    cast('{{ instant.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp)
{%- endmacro %}

{% macro known_at() -%} cast('{{ var("known_at") }}' as timestamp) {%- endmacro %}

{# What people decided on links may be set to another moment than the rows, to tell the two apart. #}
{% macro decisions_known_at() -%}
    cast('{{ var("decisions_known_at") or var("known_at") }}' as timestamp)
{%- endmacro %}

{# The filter of every staging model: it had happened by then, and we knew it by then. #}
{% macro known_by_then(happened_at) -%}
    loaded_at <= {{ known_at() }}
    and ({{ happened_at }} is null or {{ happened_at }} < {{ as_of_end() }})
{%- endmacro %}

{# Rows that this incremental table has not seen: loaded since, or brought in by a later as-of day. The table
   keeps `loaded_at` and `built_to` for it. Both moments are literals, so that blocks of known rows are skipped. #}
{% macro not_seen_before(loaded_at, happened_at) -%}
    {%- if is_incremental() -%}
        {%- set loaded = first_moment("select max(loaded_at) from " ~ this) -%}
        {%- set built = first_moment("select max(built_to) from " ~ this) -%}
        {%- if loaded -%}
            ({{ loaded_at }} > {{ loaded }} or {{ happened_at }} >= {{ built }})
        {%- else -%} 1 = 1
        {%- endif -%}
    {%- else -%} 1 = 1
    {%- endif -%}
{%- endmacro %}

{# The same rows as a subquery. Two scans with one bound each: an engine skips blocks of rows by one, and reads them
   all for an `or` of two. #}
{% macro unseen_rows_of(relation, loaded_at, happened_at) -%}
    {%- if is_incremental() -%}
        {%- set loaded = first_moment("select max(loaded_at) from " ~ this) -%}
        {%- set built = first_moment("select max(built_to) from " ~ this) -%}
    {%- endif -%}
    {%- if loaded -%}
        (
            select *
            from {{ relation }}
            where {{ loaded_at }} > {{ loaded }}
            union all
            select *
            from {{ relation }}
            where {{ happened_at }} >= {{ built }} and {{ loaded_at }} <= {{ loaded }}
        )
    {%- else -%} {{ relation }}
    {%- endif -%}
{%- endmacro %}

{# The Sundays of the curve that ended by the end of the as-of day, oldest first, as days. #}
{% macro closed_weeks() -%}
    {%- set today = as_of_day() -%}
    {%- set newest = today - modules.datetime.timedelta(days=today.isoweekday() % 7) -%}
    {%- set weeks = [] -%}
    {%- for week in range(var("score_curve_weeks") - 1, -1, -1) -%}
        {%- do weeks.append(newest - modules.datetime.timedelta(days=7 * week)) -%}
    {%- endfor -%}
    {{ return(weeks) }}
{%- endmacro %}
