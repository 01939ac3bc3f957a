{#
  Who a visitor is held to be, as the facts have it: one row per span, or one without a person. Each build writes the
  visitors anew of whom it is told something else than the build before; those, and no others, are rewritten in the
  facts.
#}
{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key="visitor_id",
    )
}}

with

    spans as (select * from {{ ref("visitor_spans") }}),
    machines as (select * from {{ ref("int_machine_visitors") }}),

    visitors as (
        select visitor_id
        from spans
        union
        select visitor_id
        from machines
        {% if is_incremental() %}
            union
            select visitor_id
            from {{ this }}
        {% endif %}
    ),

    bindings as (
        select
            visitors.visitor_id,
            spans.span_from,
            spans.span_to,
            spans.person_id,
            spans.first_claimed_at,
            machines.machine_rule_id
        from visitors
        left join spans on visitors.visitor_id = spans.visitor_id
        left join machines on visitors.visitor_id = machines.visitor_id
    ),

    {% if is_incremental() %}
        kept as (
            select
                visitor_id,
                span_from,
                span_to,
                person_id,
                first_claimed_at,
                machine_rule_id
            from {{ this }}
        ),

        bindings_new as (
            select *
            from bindings
            except
            select *
            from kept
        ),

        bindings_gone as (
            select *
            from kept
            except
            select *
            from bindings
        ),

        visitors_changed as (
            select visitor_id
            from bindings_new
            union
            select visitor_id
            from bindings_gone
        ),
    {% else %} visitors_changed as (select visitor_id from visitors),
    {% endif %}

    bindings_changed as (
        select bindings.*, '{{ invocation_id }}' as built_by
        from bindings
        inner join visitors_changed on bindings.visitor_id = visitors_changed.visitor_id
    )

select *
from bindings_changed
