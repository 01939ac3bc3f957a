with

    crm_opportunities as (select * from {{ ref("stg_crm__opportunities") }}),

    person_identifiers as (select * from {{ ref("person_identifiers") }}),

    leads as (select * from {{ ref("int_leads_acquired") }}),

    person_campaigns as (select * from {{ ref("int_person_campaigns") }}),

    opportunities as (
        select
            crm_opportunities.opportunity_id,
            person_identifiers.person_id,
            crm_opportunities.created_at,
            {{ local_date("crm_opportunities.created_at") }} as created_on,
            {{ local_month("crm_opportunities.created_at") }} as created_month,
            crm_opportunities.product_id,
            crm_opportunities.amount_jpy,
            crm_opportunities.stage,
            crm_opportunities.closed_at,
            crm_opportunities.row_key,
            person_campaigns.campaign_id,
            coalesce(leads.form_kind, 'none') as form_kind,
            coalesce(leads.channel, 'none') as channel,
            leads.lead_at,
            -- a deal noted with its day only may seem older than the form of that day
            coalesce(
                {{ local_date("crm_opportunities.created_at") }} >= leads.lead_on, false
            ) as is_after_lead
        from crm_opportunities
        left join
            person_identifiers
            on 'crm_lead:' || crm_opportunities.lead_id = person_identifiers.identifier
        left join leads on person_identifiers.person_id = leads.person_id
        left join
            person_campaigns
            on person_identifiers.person_id = person_campaigns.person_id
    ),

    opportunities_numbered as (
        select
            *,
            case
                when is_after_lead
                then
                    row_number() over (
                        partition by person_id, is_after_lead
                        order by created_at, opportunity_id
                    )
            end as number_after_lead
        from opportunities
    ),

    opportunities_timed as (
        select
            opportunity_id,
            person_id,
            created_at,
            created_on,
            created_month,
            product_id,
            amount_jpy,
            stage,
            closed_at,
            campaign_id,
            form_kind,
            channel,
            row_key,
            coalesce(number_after_lead = 1, false) as is_first_of_lead,
            case
                when number_after_lead = 1
                then
                    cast(
                        case
                            when created_at < lead_at
                            then 0
                            else
                                {{ seconds_between("lead_at", "created_at") }}
                                / 86400
                                / 30.4375
                        end as decimal(18, 6)
                    )
            end as months_to_opportunity
        from opportunities_numbered
    )

select *
from opportunities_timed
