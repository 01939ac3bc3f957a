with

    leads as (select * from {{ ref("int_leads_to_route") }}),

    lead_units as ({{ units_covering("leads", "person_id") }})

select *
from lead_units
