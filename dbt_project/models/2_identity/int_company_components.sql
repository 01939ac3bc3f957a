{{ config(materialized="connected_components") }}
{# A domain with many company names is a provider or a group, a name with many domains a homonym: neither joins. #}
{%- set max_names_per_domain = 3 -%}
{%- set max_domains_per_name = 3 -%}

with

    sightings as (select * from {{ ref("int_company_identifiers") }}),

    pairs as (
        select distinct name_identifier, domain_identifier
        from sightings
        where name_identifier is not null and domain_identifier is not null
    ),

    pairs_counted as (
        select
            *,
            count(*) over (partition by domain_identifier) as names_of_domain,
            count(*) over (partition by name_identifier) as domains_of_name
        from pairs
    ),

    edges as (
        select name_identifier as left_node, domain_identifier as right_node
        from pairs_counted
        where
            names_of_domain <= {{ max_names_per_domain }}
            and domains_of_name <= {{ max_domains_per_name }}
        union all
        select name_identifier as left_node, name_identifier as right_node
        from sightings
        where name_identifier is not null
        union all
        select domain_identifier as left_node, domain_identifier as right_node
        from sightings
        where domain_identifier is not null
    )

select *
from edges
