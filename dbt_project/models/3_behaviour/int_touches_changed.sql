{#
  The deeds that this build tells anew: page views of sessions that have new lines, all page views of visitors that are
  held to be somebody else than before, and other deeds that are told differently than before, or no more (`is_gone`).
  It reads the facts of the build before, so they are written after it. Empty where all is built anew.
#}
{{
    config(
        materialized="incremental", incremental_strategy="renewed", access="protected"
    )
}}
{%- set former_touches = this.incorporate(path={"identifier": "fct_touches"}) %}
{%- set this_build = "built_by = '" ~ invocation_id ~ "'" %}
{%- set first_new = "cast('9999-12-31' as timestamp)" %}
{%- if is_incremental() -%}
    {%- set first_new = (
        first_moment(
            "select min(session_started_at) from "
            ~ ref("int_page_views")
            ~ " where "
            ~ this_build
        )
        or first_new
    ) %}
{%- endif %}
{%- set of_visitors_changed -%}
    visitor_number in (
        select {{ number_of_text("visitor_id") }} as visitor_number
        from {{ ref("int_visitor_bindings") }}
        where {{ this_build }}
    )
{%- endset %}
{#-
  Two queries each, which skip what they do not need; one with an `or` reads all there ever was. Rows of the past are
  found by small columns before the others are read; pages by two, since the engine's filters let one in a hundred of
  others through each. Where another visitor has the same number, its deeds are told anew too, as they were.
#}
{%- set pages -%}
    select *
    from {{ ref("int_page_views") }}
    where {{ this_build }}
    union all
    select *
    from {{ ref("int_page_views") }}
    where
        built_by <> '{{ invocation_id }}'
        and session_started_at in (
            select started_at
            from {{ ref("fct_sessions") }}
            where {{ of_visitors_changed }}
        )
        and {{ of_visitors_changed }}
{%- endset %}
{%- set sessions -%}
    select *
    from {{ ref("fct_sessions") }}
    where started_at >= {{ first_new }}
    union all
    select *
    from {{ ref("fct_sessions") }}
    where
        started_at < {{ first_new }}
        and {{ rows_that(ref("fct_sessions"), of_visitors_changed) }}
{%- endset %}
with touches_told as ({{ touches_told(pages, sessions) }})

{% if is_incremental() %}
        ,
        others_changed as (
            select *
            from touches_told
            where source <> 'web'
            except
            select *
            from {{ former_touches }}
            where source <> 'web'
        ),

        others_gone as (
            select former.*
            from {{ former_touches }} as former
            where
                former.source <> 'web'
                and not exists (
                    select 1
                    from {{ ref("int_touches") }} as told
                    where told.touch_id = former.touch_id
                )
        )

    select *, false as is_gone
    from touches_told
    where source = 'web'
    union all
    select *, false
    from others_changed
    union all
    select *, true
    from others_gone
{% else %} select *, false as is_gone from touches_told where 1 = 0
{% endif %}
