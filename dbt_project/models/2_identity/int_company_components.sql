{{ config(materialized="connected_components") }}
{# A domain with many company names is a provider or a group, a name with many domains or with two corporate numbers
   a homonym: neither joins. A company has one number for ever, whatever it is called. #}
{%- set max_names_per_domain = 3 -%}
{%- set max_domains_per_name = 3 -%}

with

    sightings as (select * from {{ ref("int_company_identifiers") }}),
    changes as (select * from {{ ref("int_company_changes") }}),
    lines as (select * from {{ ref("int_visitor_lines") }}),

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

    numbers as (
        select distinct number_identifier, name_identifier
        from sightings
        where number_identifier is not null and name_identifier is not null
    ),

    numbers_counted as (
        select *, count(*) over (partition by name_identifier) as numbers_of_name
        from numbers
    ),

    numbers_of_domains as (
        select distinct number_identifier, domain_identifier
        from sightings
        where number_identifier is not null and domain_identifier is not null
    ),

    numbers_of_domains_counted as (
        select *, count(*) over (partition by domain_identifier) as numbers_of_domain
        from numbers_of_domains
    ),

    edges as (
        select name_identifier as left_node, domain_identifier as right_node
        from pairs_counted
        where
            names_of_domain <= {{ max_names_per_domain }}
            and domains_of_name <= {{ max_domains_per_name }}
        union all
        select number_identifier as left_node, name_identifier as right_node
        from numbers_counted
        where numbers_of_name = 1
        union all
        select number_identifier as left_node, domain_identifier as right_node
        from numbers_of_domains_counted
        where numbers_of_domain = 1
        union all
        select former_identifier as left_node, later_identifier as right_node
        from changes
        union all
        select name_identifier as left_node, name_identifier as right_node
        from sightings
        where name_identifier is not null
        union all
        select domain_identifier as left_node, domain_identifier as right_node
        from sightings
        where domain_identifier is not null
        union all
        select number_identifier as left_node, number_identifier as right_node
        from sightings
        where number_identifier is not null
        union all
        select company_identifier as left_node, company_identifier as right_node
        from lines
    )

select *
from edges
