{# All that DuckDB and Spark say differently, one macro each. A model never branches on the engine. #}
{% macro local_timestamp(ts) -%}
    {{ return(adapter.dispatch("local_timestamp")(ts)) }}
{%- endmacro %}
{% macro duckdb__local_timestamp(ts) -%}
    (({{ ts }} at time zone 'UTC') at time zone '{{ var("zone") }}')
{%- endmacro %}
{% macro spark__local_timestamp(ts) -%}
    from_utc_timestamp({{ ts }}, '{{ var("zone") }}')
{%- endmacro %}

{# The instant (UTC) at which a local day begins. #}
{% macro day_begins_at(day) -%}
    {{ return(adapter.dispatch("day_begins_at")(day)) }}
{%- endmacro %}
{% macro duckdb__day_begins_at(day) -%}
    ((cast({{ day }} as timestamp) at time zone '{{ var("zone") }}') at time zone 'UTC')
{%- endmacro %}
{% macro spark__day_begins_at(day) -%}
    to_utc_timestamp(cast({{ day }} as timestamp), '{{ var("zone") }}')
{%- endmacro %}

{# Seconds from one timestamp to a later one, with fractions. #}
{% macro seconds_between(earlier, later) -%}
    {{ return(adapter.dispatch("seconds_between")(earlier, later)) }}
{%- endmacro %}
{% macro duckdb__seconds_between(earlier, later) -%}
    (epoch({{ later }}) - epoch({{ earlier }}))
{%- endmacro %}
{% macro spark__seconds_between(earlier, later) -%}
    (unix_timestamp({{ later }}) - unix_timestamp({{ earlier }}))
{%- endmacro %}

{#
  Days between as the number of midnights passed (of months: of their firsts), which is what dbt's own macro counts. That
  one goes through timestamps, and scores ask for many millions of ages: dates are subtracted in a sixth of the time.
#}
{% macro duckdb__datediff(first_date, second_date, datepart) -%}
    {% if datepart == "day" -%}
        (cast({{ second_date }} as date) - cast({{ first_date }} as date))
    {%- else -%}
        date_diff(
            '{{ datepart }}',
            cast({{ first_date }} as timestamp),
            cast({{ second_date }} as timestamp)
        )
    {%- endif %}
{%- endmacro %}

{# A timestamp moved by whole minutes (negative: earlier). #}
{% macro plus_minutes(ts, minutes) -%}
    {{ return(adapter.dispatch("plus_minutes")(ts, minutes)) }}
{%- endmacro %}
{% macro duckdb__plus_minutes(ts, minutes) -%}
    ({{ ts }} + to_minutes({{ minutes }}))
{%- endmacro %}
{% macro spark__plus_minutes(ts, minutes) -%}
    timestampadd(minute, {{ minutes }}, {{ ts }})
{%- endmacro %}

{# A timestamp moved by whole seconds. #}
{% macro plus_seconds(ts, seconds) -%}
    {{ return(adapter.dispatch("plus_seconds")(ts, seconds)) }}
{%- endmacro %}
{% macro duckdb__plus_seconds(ts, seconds) -%}
    ({{ ts }} + to_seconds({{ seconds }}))
{%- endmacro %}
{% macro spark__plus_seconds(ts, seconds) -%}
    timestampadd(second, {{ seconds }}, {{ ts }})
{%- endmacro %}

{# The instant halfway between two, to the microsecond. #}
{% macro middle_of(earlier, later) -%}
    {{ return(adapter.dispatch("middle_of")(earlier, later)) }}
{%- endmacro %}
{% macro duckdb__middle_of(earlier, later) -%}
    make_timestamp(
        cast(floor((epoch_us({{ earlier }}) + epoch_us({{ later }})) / 2) as bigint)
    )
{%- endmacro %}
{% macro spark__middle_of(earlier, later) -%}
    timestamp_micros((unix_micros({{ earlier }}) + unix_micros({{ later }})) div 2)
{%- endmacro %}

{# Texts of a group in one text, in a stated order. #}
{% macro text_list(value, separator, order_by) -%}
    {{ return(adapter.dispatch("text_list")(value, separator, order_by)) }}
{%- endmacro %}
{% macro duckdb__text_list(value, separator, order_by) -%}
    string_agg({{ value }}, '{{ separator }}' order by {{ order_by }})
{%- endmacro %}
{% macro spark__text_list(value, separator, order_by) -%}
    array_join(
        transform(
            array_sort(collect_list(struct({{ order_by }}, {{ value }} as v))), x -> x.v
        ),
        '{{ separator }}'
    )
{%- endmacro %}

{# Text of a URL's parameter as a person typed it: + is a space, %E8%A3%BD is 製. #}
{% macro url_decoded(value) -%}
    {{ return(adapter.dispatch("url_decoded")(value)) }}
{%- endmacro %}
{% macro duckdb__url_decoded(value) -%}
    url_decode(replace({{ value }}, '+', ' '))
{%- endmacro %}
{% macro spark__url_decoded(value) -%} url_decode({{ value }}) {%- endmacro %}

{# In a select list: one row for each part of a text with separators. #}
{% macro each_part(value, separator) -%}
    {{ return(adapter.dispatch("each_part")(value, separator)) }}
{%- endmacro %}
{% macro duckdb__each_part(value, separator) -%}
    unnest(string_split({{ value }}, '{{ separator }}'))
{%- endmacro %}
{% macro spark__each_part(value, separator) -%}
    explode(split({{ value }}, '{{ separator }}'))
{%- endmacro %}

{#
  A whole number for a text, 63 bits of its MD5: the same in every run and on both engines, so that graphs are joined
  by numbers and no dictionary has to be kept. Two texts of one number are one in some 10^6 warehouses of six million
  texts; the test of unique numbers stops the build then.
#}
{% macro number_of_text(value) -%}
    {{ return(adapter.dispatch("number_of_text")(value)) }}
{%- endmacro %}
{% macro duckdb__number_of_text(value) -%}
    cast(md5_number_lower({{ value }}) >> 1 as bigint)
{%- endmacro %}
{% macro spark__number_of_text(value) -%}
    cast(
        cast(
            conv(
                concat(
                    {%- for position in range(31, 16, -2) %}
                        substr(md5({{ value }}), {{ position }}, 2)
                        {%- if not loop.last %},{% endif %}
                    {%- endfor %}
                ),
                16,
                10
            ) as decimal(20, 0)
        ) div 2 as bigint
    )
{%- endmacro %}

{# SHA-256 as 64 hexadecimal letters, which advertising systems match addresses by. #}
{% macro sha256_hex(value) -%}
    {{ return(adapter.dispatch("sha256_hex")(value)) }}
{%- endmacro %}
{% macro duckdb__sha256_hex(value) -%} sha256({{ value }}) {%- endmacro %}
{% macro spark__sha256_hex(value) -%} sha2({{ value }}, 256) {%- endmacro %}

{# A step of a query that is computed once, as written: an optimizer that looks through twenty of them takes minutes. #}
{% macro computed_once() -%}
    {{ return(adapter.dispatch("computed_once")()) }}
{%- endmacro %}
{% macro duckdb__computed_once() -%} materialized {%- endmacro %}
{% macro spark__computed_once() -%} {%- endmacro %}

{#
  A condition of a table as a condition for reading it: where few rows of many meet it, DuckDB looks through the
  columns of the condition alone, and then reads the rest of the rows that it found. Spark reads by columns and
  blocks anyway.
#}
{% macro rows_that(relation, condition) -%}
    {{ return(adapter.dispatch("rows_that")(relation, condition)) }}
{%- endmacro %}
{% macro duckdb__rows_that(relation, condition) -%}
    rowid in (select rowid from {{ relation }} where {{ condition }})
{%- endmacro %}
{% macro spark__rows_that(relation, condition) -%}({{ condition }}) {%- endmacro %}
