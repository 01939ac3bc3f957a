{# SY05: what a sales person has to do by when, as a task at the lead, while a hand-over waits for somebody. #}
with

    handoffs as (
        select *
        from {{ ref("fct_handoffs") }}
        where state in ('routed', 'claimed', 'escalated') and due_at is not null
    ),

    payloads as (select * from {{ ref("int_routed_lead_payloads") }}),

    tasks as (
        select
            handoffs.route_id as sync_key,
            handoffs.person_id,
            payloads.sync_key as lead_key,
            case when handoffs.state = 'escalated' then '対応待ち: ' else '新しいリード: ' end
            || coalesce(payloads.top_product, '関心未詳') as subject,
            {{ local_date("handoffs.due_at") }} as due_on,
            payloads.approach_note,
            payloads.owner_unit_id,
            payloads.consent_status,
            payloads.is_suppressed,
            payloads.suppression_reason,
            payloads.checks_passed
        from handoffs
        inner join payloads on handoffs.person_id = payloads.person_id
    )

select *
from tasks
