{# Claims as edges between numbers, with what changed when: identity is resolved again only where it did. A full
   refresh numbers the changes anew, so it goes together with the one of int_identifier_components. #}
{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key=["left_node", "right_node"],
    )
}}

with

    claims as (
        select * from {{ ref("int_claims_judged") }} where refused_because is null
    ),

    edges_now as (
        select
            {{ number_of_text("left_identifier") }} as left_node,
            {{ number_of_text("right_identifier") }} as right_node,
            cast(max(confidence) as decimal(9, 6)) as strength
        from claims
        group by left_identifier, right_identifier
    ),

    {% if is_incremental() %}
        edges_before as (select * from {{ this }} where is_live),

        edges_changed as (
            select
                edges_now.left_node,
                edges_now.right_node,
                edges_now.strength,
                true as is_live
            from edges_now
            left join
                edges_before
                on edges_now.left_node = edges_before.left_node
                and edges_now.right_node = edges_before.right_node
                and edges_now.strength = edges_before.strength
            where edges_before.left_node is null
            union all
            select
                edges_before.left_node,
                edges_before.right_node,
                edges_before.strength,
                false as is_live
            from edges_before
            left join
                edges_now
                on edges_before.left_node = edges_now.left_node
                and edges_before.right_node = edges_now.right_node
            where edges_now.left_node is null
        ),

        edges_numbered as (
            select
                edges_changed.*,
                (
                    select coalesce(max(change_number), 0) + 1 from {{ this }}
                ) as change_number
            from edges_changed
        )
    {% else %}
        edges_numbered as (
            select left_node, right_node, strength, true as is_live, 1 as change_number
            from edges_now
        )
    {% endif %}

select
    left_node,
    right_node,
    strength,
    is_live,
    cast(change_number as bigint) as change_number
from edges_numbered
