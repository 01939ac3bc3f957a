with

    payloads as (select * from {{ ref("int_routed_lead_payloads") }}),

    rows_to_send as (
        select
            sync_key,
            person_id,
            email,
            display_name,
            company_name,
            department,
            position,
            phone,
            grade,
            total_score,
            tier,
            state,
            owner_unit_id,
            informed_unit_ids,
            route_rule_id,
            routed_at,
            top_product,
            approach_note,
            may_act_from,
            consent_status,
            is_suppressed
        from payloads
    )

select *
from rows_to_send
