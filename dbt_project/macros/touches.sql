{#
  Deeds with their persons, for the facts and for what a build tells anew. Whose deed it was is joined last, through
  small tables. Arguments: `pages` is a query of rows of int_page_views, `sessions` one of fct_sessions.
#}
{% macro touches_told(pages, sessions) -%}
    with

        pages as ({{ pages }}),
        sessions as ({{ sessions }}),
        other_touches as (select * from {{ ref("int_touches") }}),
        touch_types as (select * from {{ ref("touch_types") }}),
        stages as (select * from {{ ref("buying_stages") }}),
        identifiers as (select * from {{ ref("person_identifiers") }}),
        bindings as (select * from {{ ref("int_visitor_bindings") }}),

        web_touches as (
            select
                {{ surrogate_key(["'web'", "pages.row_key"]) }} as touch_id,
                bindings.person_id,
                -- Of the session, which has the texts in a fifth of the room.
                sessions.visitor_id,
                sessions.visitor_number,
                cast(null as {{ dbt.type_string() }}) as identifier,
                pages.occurred_at,
                'second' as time_precision,
                pages.touch_type,
                sessions.channel,
                coalesce(
                    pages.machine_rule_id, sessions.machine_rule_id
                ) as machine_rule_id,
                pages.content_category,
                pages.product_id,
                pages.solution_id,
                pages.need_stage,
                pages.knowledge_level,
                cast(null as {{ dbt.type_string() }}) as form_id,
                cast(null as {{ dbt.type_string() }}) as form_kind,
                sessions.campaign_id,
                sessions.session_id,
                pages.path as detail,
                bindings.first_claimed_at,
                'web' as source,
                pages.row_key
            from pages
            inner join
                sessions
                on pages.visitor_number = sessions.visitor_number
                and pages.session_started_at = sessions.started_at
                and pages.session_part = sessions.session_part
            left join
                bindings
                on sessions.visitor_id = bindings.visitor_id
                and pages.occurred_at >= bindings.span_from
                and pages.occurred_at < bindings.span_to
        ),

        -- Whose deed it was is joined last, through small tables.
        touches as (
            select *
            from web_touches
            union all
            select
                other_touches.touch_id,
                coalesce(identifiers.person_id, bindings.person_id) as person_id,
                other_touches.visitor_id,
                cast(null as bigint) as visitor_number,
                other_touches.identifier,
                other_touches.occurred_at,
                other_touches.time_precision,
                other_touches.touch_type,
                other_touches.channel,
                other_touches.machine_rule_id,
                other_touches.content_category,
                other_touches.product_id,
                other_touches.solution_id,
                cast(null as {{ dbt.type_string() }}) as need_stage,
                cast(null as integer) as knowledge_level,
                other_touches.form_id,
                other_touches.form_kind,
                other_touches.campaign_id,
                other_touches.session_id,
                other_touches.detail,
                case
                    when identifiers.person_id is null then bindings.first_claimed_at
                end as first_claimed_at,
                other_touches.source,
                other_touches.row_key
            from other_touches
            left join identifiers on other_touches.identifier = identifiers.identifier
            left join
                bindings
                on other_touches.visitor_id = bindings.visitor_id
                and other_touches.occurred_at >= bindings.span_from
                and other_touches.occurred_at < bindings.span_to
        ),

        touches_described as (
            select
                touches.touch_id,
                touches.person_id,
                touches.visitor_id,
                touches.visitor_number,
                touches.identifier,
                touches.occurred_at,
                touches.time_precision,
                touches.touch_type,
                -- A deed that no link led to has the channel of its kind.
                case
                    when touches.source in ('web', 'forms', 'email')
                    then touches.channel
                    else coalesce(touch_types.channel, touches.channel)
                end as channel,
                touch_types.data_class,
                touches.machine_rule_id is not null as is_machine,
                touches.machine_rule_id,
                touches.content_category,
                touches.product_id,
                touches.solution_id,
                -- What was read says more than that something was read.
                touches.need_stage,
                touches.knowledge_level,
                coalesce(touches.need_stage, touch_types.buying_stage) as buying_stage,
                stages.aidma_stage,
                touches.form_id,
                touches.form_kind,
                touches.campaign_id,
                touches.session_id,
                touches.detail,
                -- True where the deed was done before the browser was known to be this
                -- person's.
                coalesce(
                    touches.person_id is not null
                    and touches.occurred_at < touches.first_claimed_at,
                    false
                ) as was_anonymous,
                touches.source,
                touches.row_key
            from touches
            inner join touch_types on touches.touch_type = touch_types.touch_type
            left join
                stages
                on coalesce(touches.need_stage, touch_types.buying_stage)
                = stages.buying_stage
        )

    select {{ touch_columns() }}
    from touches_described
{%- endmacro %}

{#
  Takes the former rows of deeds that are told anew out of the facts. A page view never changes its visitor and its
  moment, and what a visitor did in one second is told anew together: such numbers are looked through in a fraction of
  the time of keys. Other deeds are few, and may be told at another moment.
#}
{% macro touches_taken_back(facts, told_anew, from_the_web) -%}
    delete from {{ facts }}
    where
        {% if from_the_web %}
            {{
                rows_that(
                    facts,
                    "occurred_at in (select occurred_at from "
                    ~ told_anew
                    ~ " where source = 'web')",
                )
            }}
            and exists (
                select 1
                from {{ told_anew }} as told
                where
                    told.source = 'web'
                    and told.visitor_number = {{ facts }}.visitor_number
                    and told.occurred_at = {{ facts }}.occurred_at
            )
        {% else %}
            source <> 'web' and touch_id in (select touch_id from {{ told_anew }})
        {% endif %}
{%- endmacro %}

{# The columns of fct_touches, in its order. #}
{% macro touch_columns() -%}
    touch_id,
    person_id,
    visitor_id,
    visitor_number,
    identifier,
    occurred_at,
    time_precision,
    touch_type,
    channel,
    data_class,
    is_machine,
    machine_rule_id,
    content_category,
    product_id,
    solution_id,
    need_stage,
    knowledge_level,
    buying_stage,
    aidma_stage,
    form_id,
    form_kind,
    campaign_id,
    session_id,
    detail,
    was_anonymous,
    source,
    row_key
{%- endmacro %}
