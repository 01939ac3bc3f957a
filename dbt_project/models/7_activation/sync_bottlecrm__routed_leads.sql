with leads_worded as (select * from {{ ref("int_routed_leads_worded") }})

select *
from leads_worded
