{# Whom a unit asked not to write to for now (contact_blocks.csv): a reason to hold mails back, as a refusal is. #}
select person_id, min(block_id) as block_id
from {{ ref("lead_contact_blocks") }}
where channel in ('email', 'any')
group by person_id
