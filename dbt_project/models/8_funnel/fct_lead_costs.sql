{#
  What each lead cost: the costs of a campaign are shared evenly among the leads that it brought, to the sen, so that any
  cut of the leads adds up to the ledger. A campaign that brought nobody keeps its costs, without a person.
#}
with

    costs as (select * from {{ ref("stg_costs__entries") }}),

    leads as (select * from {{ ref("int_leads_acquired") }}),

    campaign_costs as (
        select
            campaign_id,
            coalesce(cost_kind, 'other') as cost_kind,
            sum(amount_jpy) as cost_jpy,
            min(cost_on) as first_cost_on
        from costs
        group by campaign_id, coalesce(cost_kind, 'other')
    ),

    leads_numbered as (
        select
            person_id,
            campaign_id,
            row_number() over (
                partition by campaign_id order by lead_at, person_id
            ) as lead_number,
            count(*) over (partition by campaign_id) as leads
        from leads
        where campaign_id is not null
    )

-- what the first n leads cost, less what the first n - 1 do
select
    {{
        surrogate_key(
            [
                "campaign_costs.campaign_id",
                "campaign_costs.cost_kind",
                "leads_numbered.person_id",
            ]
        )
    }} as lead_cost_id,
    campaign_costs.campaign_id,
    campaign_costs.cost_kind,
    campaign_costs.first_cost_on,
    leads_numbered.person_id,
    cast(
        coalesce(
            cast(
                campaign_costs.cost_jpy
                * leads_numbered.lead_number
                / leads_numbered.leads as decimal(18, 2)
            ) - cast(
                campaign_costs.cost_jpy
                * (leads_numbered.lead_number - 1)
                / leads_numbered.leads as decimal(18, 2)
            ),
            campaign_costs.cost_jpy
        ) as decimal(18, 2)
    ) as cost_jpy
from campaign_costs
left join leads_numbered on campaign_costs.campaign_id = leads_numbered.campaign_id
