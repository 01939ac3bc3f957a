with payloads as (select * from {{ ref("int_routed_lead_payloads") }})

select *
from payloads
