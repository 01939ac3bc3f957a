{{ config(materialized="kept_apart") }}

with

    edges as (select * from {{ ref("int_identity_edges") }} where is_live),
    components as (select * from {{ ref("int_identifier_components") }}),
    claims as (select * from {{ ref("int_claims_judged") }} where is_rejected),
    rejections as (
        select * from {{ ref("stg_links__decisions") }} where decision = 'reject'
    ),

    -- Who says that two identifiers are two people means it, whatever other path joins
    -- them.
    pairs as (
        select left_identifier, right_identifier
        from claims
        union
        select left_identifier, right_identifier
        from rejections
        where left_identifier is not null and right_identifier is not null
    ),

    pairs_numbered as (
        select
            {{ number_of_text("left_identifier") }} as left_node,
            {{ number_of_text("right_identifier") }} as right_node
        from pairs
    ),

    pairs_violated as (
        select pairs_numbered.left_node, pairs_numbered.right_node, lefts.component
        from pairs_numbered
        inner join components as lefts on pairs_numbered.left_node = lefts.node
        inner join
            components as rights
            on pairs_numbered.right_node = rights.node
            and lefts.component = rights.component
        where pairs_numbered.left_node <> pairs_numbered.right_node
    ),

    nodes_together as (
        select components.node
        from components
        inner join
            (select distinct component from pairs_violated) as violated
            on components.component = violated.component
    )

select edges.left_node, edges.right_node, edges.strength
from edges
inner join nodes_together on edges.left_node = nodes_together.node
union all
select left_node, right_node, cast(null as decimal(9, 6)) as strength
from pairs_violated
