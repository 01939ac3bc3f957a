{# SY05: which campaigns a routed lead answered to, so that the org's own campaign reports see them. #}
with

    payloads as (select * from {{ ref("int_routed_lead_payloads") }}),

    touches as (
        select *
        from {{ ref("fct_touches") }}
        where campaign_id is not null and not is_machine
    ),

    members as (
        select distinct touches.person_id, touches.campaign_id
        from touches
        inner join payloads on touches.person_id = payloads.person_id
    ),

    campaign_members as (
        select
            {{ surrogate_key(["members.person_id", "members.campaign_id"]) }}
            as sync_key,
            members.person_id,
            payloads.sync_key as lead_key,
            members.campaign_id,
            'Responded' as member_status,
            payloads.consent_status,
            payloads.is_suppressed,
            payloads.suppression_reason,
            payloads.checks_passed
        from members
        inner join payloads on members.person_id = payloads.person_id
    )

select *
from campaign_members
