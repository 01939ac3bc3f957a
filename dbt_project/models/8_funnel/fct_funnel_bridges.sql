{#
  G07: from one unit of counting to the next, so that two departments' numbers of one step are one story. Of the units of
  the first kind some have none of the second (without_next); several may share one of the second (further), one may have
  several (shared: a browser that two people use); and some of the second kind have none of the first (without_former: a
  call has no visit). to_count = from_count - without_next - further + shared + without_former.
#}
{%- set bridges = [
    ("session", "session_id", "visitor_day", "visitor_day"),
    ("visitor_day", "visitor_day", "visitor", "visitor_id"),
    ("visitor", "visitor_id", "person", "person_id"),
    ("person", "person_id", "company", "company_id"),
] %}
with

    deeds as (select * from {{ ref("int_funnel_deeds") }}),

    counted as (
        {%- for from_grain, from_key, to_grain, to_key in bridges %}
            select
                month,
                step_id,
                '{{ from_grain }}' as from_grain,
                '{{ to_grain }}' as to_grain,
                count(distinct {{ from_key }}) as from_count,
                count(distinct {{ to_key }}) as to_count,
                count(
                    distinct case when {{ to_key }} is not null then {{ from_key }} end
                ) as from_matched,
                count(
                    distinct case when {{ from_key }} is not null then {{ to_key }} end
                ) as to_matched,
                count(distinct {{ from_key }} || '>' || {{ to_key }}) as pairs
            from deeds
            group by month, step_id
            {% if not loop.last %}
                union all
            {% endif %}
        {%- endfor %}
    )

select
    {{ surrogate_key(["month", "step_id", "from_grain"]) }} as funnel_bridge_id,
    month,
    step_id,
    from_grain,
    to_grain,
    cast(from_count as bigint) as from_count,
    cast(from_count - from_matched as bigint) as without_next,
    cast(pairs - to_matched as bigint) as further,
    cast(pairs - from_matched as bigint) as shared,
    cast(to_count - to_matched as bigint) as without_former,
    cast(to_count as bigint) as to_count
from counted
