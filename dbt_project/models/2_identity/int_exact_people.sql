{{ config(materialized="connected_components") }}

with

    claims as (select * from {{ ref("int_identity_claims") }}),
    identifiers as (select * from {{ ref("int_identifiers_first_seen") }}),

    -- A mail parameter belongs to one address, so it joins nobody to anybody.
    edges as (
        select left_identifier as left_node, right_identifier as right_node
        from claims
        where refused_because is null and left_identifier not like 'mail_token:%'
        union all
        select identifier as left_node, identifier as right_node
        from identifiers
        where identifier_kind <> 'mail_token'
    )

select *
from edges
