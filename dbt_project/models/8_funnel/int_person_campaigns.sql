with

    touches as (select * from {{ ref("fct_touches") }}),

    crm_leads as (select * from {{ ref("stg_crm__leads") }}),

    person_identifiers as (select * from {{ ref("person_identifiers") }}),

    -- the first campaign that reached the person gets the whole credit (first cut)
    campaigns_seen as (
        select person_id, campaign_id, occurred_at, 1 as trust, touch_id as evidence_id
        from touches
        where person_id is not null and campaign_id is not null and not is_machine
        union all
        select
            person_identifiers.person_id,
            crm_leads.campaign_id,
            crm_leads.created_at as occurred_at,
            2 as trust,
            crm_leads.lead_id as evidence_id
        from crm_leads
        inner join
            person_identifiers
            on 'crm_lead:' || crm_leads.lead_id = person_identifiers.identifier
        where crm_leads.campaign_id is not null
    ),

    campaigns_ranked as (
        select
            *,
            row_number() over (
                partition by person_id order by trust, occurred_at, evidence_id
            ) as campaign_rank
        from campaigns_seen
    ),

    person_campaigns as (
        select person_id, campaign_id from campaigns_ranked where campaign_rank = 1
    )

select *
from person_campaigns
