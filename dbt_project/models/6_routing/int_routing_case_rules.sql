with

    cases as (select * from {{ ref("int_routing_cases") }}),

    case_units as ({{ units_covering("cases", "case_id") }}),

    case_rules as ({{ rules_ranked("cases", "case_units", "case_id") }})

select *
from case_rules
