{#
  LM04: each designed campaign with whom it is for and how many of them may be reached: consent to its channel, and an
  address or number that works. What is addressed to nobody by name (advertising, an exhibition) needs no consent.
#}
with

    designs as (select * from {{ ref("campaign_designs") }}),

    audience as (select * from {{ ref("int_campaign_audiences") }}),

    costs as (
        select campaign_id, sum(amount_jpy) as cost_jpy
        from {{ ref("stg_costs__entries") }}
        group by campaign_id
    ),

    summed as (
        select
            campaign_id,
            count(*) as people,
            count(*) filter (where is_consented) as people_consented,
            count(*) filter (where is_consented and is_reachable) as people_reachable
        from audience
        group by campaign_id
    )

select
    designs.campaign_id,
    designs.component,
    designs.name_ja,
    designs.name_en,
    cast(designs.starts_on as date) as starts_on,
    cast(designs.ends_on as date) as ends_on,
    designs.segment_id,
    designs.contact_channel,
    designs.content_path,
    cast(designs.budget_jpy as decimal(18, 2)) as budget_jpy,
    cast(coalesce(costs.cost_jpy, 0) as decimal(18, 2)) as cost_jpy,
    cast(designs.planned_reach as bigint) as planned_reach,
    cast(coalesce(summed.people, 0) as bigint) as people_in_audience,
    cast(coalesce(summed.people_consented, 0) as bigint) as people_consented,
    cast(coalesce(summed.people_reachable, 0) as bigint) as people_reachable
from designs
left join summed on designs.campaign_id = summed.campaign_id
left join costs on designs.campaign_id = costs.campaign_id
