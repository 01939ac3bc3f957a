{{ config(materialized="connected_components") }}

with

    claims as (select * from {{ ref("int_identity_claims") }}),
    identifiers as (select * from {{ ref("int_identifiers_first_seen") }}),

    edges as (
        select left_identifier as left_node, right_identifier as right_node
        from claims
        where refused_because is null
        union all
        select identifier as left_node, identifier as right_node
        from identifiers
    )

select *
from edges
