{# Which rule gives what for which deed, before anybody asks how long ago it was. #}
{# The deeds that a build tells anew lose their points and are given them again. #}
{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook="{% if is_incremental() %} delete from {{ this }} where touch_id in (select touch_id from {{ ref('int_touches_changed') }}) {% endif %}",
    )
}}
{%- set touches_changed = ref("int_touches_changed") %}
-- depends_on: {{ ref("int_people_rescored") }}
with

    touches as (
        {% if is_incremental() %}select * from {{ touches_changed }} where not is_gone
        {% else %}select * from {{ ref("fct_touches") }}
        {% endif %}
    ),
    -- Days are told apart by the zone once for each browser, not once for each deed.
    spans as (
        select *, {{ local_date("first_claimed_at") }} as claimed_on
        from {{ ref("visitor_spans") }}
    ),
    rules as (
        select * from {{ ref("int_rules_in_use") }} where score_kind = 'behaviour'
    ),

    touches_human as (
        select
            *,
            {{ local_date("occurred_at") }} as occurred_on,
            -- Only who was unknown then is looked up; one key, so that the join is by
            -- equality.
            case when was_anonymous then visitor_id end as unknown_visitor_id
        from touches
        where not is_machine and person_id is not null
    ),

    points_given as (
        select
            touches_human.person_id,
            touches_human.touch_id,
            rules.rule_id,
            rules.rule_version,
            touches_human.occurred_at,
            touches_human.occurred_on,
            -- A deed of an unknown browser is the person's from the day the browser
            -- was known to be theirs.
            case
                when touches_human.was_anonymous
                then spans.claimed_on
                else touches_human.occurred_on
            end as known_on,
            touches_human.was_anonymous,
            touches_human.detail as evidence,
            cast(rules.points as decimal(18, 6)) as rule_points,
            rules.delay_days,
            rules.window_days,
            rules.half_life_days,
            rules.cap_points,
            rules.once,
            -- From this day on the deed is worth nothing and hides no other: what
            -- asks for
            -- a day passes over all that ended before it.
            case
                when rules.once = 'ever' or rules.window_days is null
                then cast('9999-12-31' as date)
                else
                    cast(
                        {{
                            dbt.dateadd(
                                "day",
                                "rules.delay_days + rules.window_days",
                                "touches_human.occurred_on",
                            )
                        }} as date
                    )
            end as matters_until
        from touches_human
        inner join
            rules
            on touches_human.touch_type = rules.touch_type
            and (
                rules.content_category is null
                or rules.content_category = touches_human.content_category
            )
        left join
            spans
            on touches_human.unknown_visitor_id = spans.visitor_id
            and touches_human.occurred_at >= spans.span_from
            and touches_human.occurred_at < spans.span_to
    )

-- Of each year, what is of one person lies together: it is found and added up far
-- cheaper, and years that matter no more are passed over.
select *
from points_given
order by extract(year from occurred_on), person_id
