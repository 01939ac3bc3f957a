with

    handoffs as (select * from {{ ref("fct_handoffs") }}),

    payloads as (select * from {{ ref("int_routed_lead_payloads") }}),

    -- whoever is accountable now has it because somebody else stayed silent
    escalations as (
        select
            handoffs.route_id as sync_key,
            handoffs.person_id,
            payloads.grade,
            payloads.top_product,
            handoffs.owner_unit_id,
            handoffs.accountable_unit_id,
            handoffs.routed_at,
            handoffs.escalated_at,
            handoffs.due_at,
            payloads.consent_status,
            payloads.is_suppressed,
            payloads.suppression_reason,
            payloads.checks_passed
        from handoffs
        inner join payloads on handoffs.person_id = payloads.person_id
        where handoffs.state = 'escalated'
    )

select *
from escalations
