{#
  LM04: what is wrong with the designed campaigns: dates the wrong way round, a segment that does not exist, fewer people
  than planned, people who gave no consent, people whom another campaign reaches on the same days, contents that nobody
  ever opened, more spent than planned, and a campaign that costs money and was never designed.
#}
with

    designs as (select * from {{ ref("fct_campaign_designs") }}),

    audience as (select * from {{ ref("int_campaign_audiences") }}),

    segments as (select * from {{ ref("segments") }}),

    touches as (
        select * from {{ ref("fct_touches") }} where source = 'web' and not is_machine
    ),

    costs as (select * from {{ ref("stg_costs__entries") }}),

    audiences_shared as (
        select
            one.campaign_id, other.campaign_id as other_campaign_id, count(*) as people
        from audience as one
        inner join
            audience as other
            on one.person_id = other.person_id
            and one.campaign_id <> other.campaign_id
            and one.starts_on <= other.ends_on
            and other.starts_on <= one.ends_on
        where
            one.contact_channel is not null
            and other.contact_channel is not null
            and one.is_consented
            and other.is_consented
        group by one.campaign_id, other.campaign_id
    ),

    pages as (select distinct detail as path from touches where detail is not null),

    contents_opened as (
        select distinct designs.campaign_id
        from designs
        inner join pages on pages.path like designs.content_path
    ),

    found as (
        select
            campaign_id,
            'dates_reversed' as finding_kind,
            cast(null as {{ dbt.type_string() }}) as about,
            cast(null as decimal(18, 2)) as amount
        from designs
        where ends_on < starts_on
        union all
        select designs.campaign_id, 'segment_unknown', designs.segment_id, null
        from designs
        left join segments on designs.segment_id = segments.segment_id
        where segments.segment_id is null
        union all
        select campaign_id, 'reach_short', null, planned_reach - people_reachable
        from designs
        where contact_channel is not null and people_reachable < planned_reach
        union all
        select
            campaign_id,
            'no_consent',
            contact_channel,
            people_in_audience - people_consented
        from designs
        where contact_channel is not null and people_consented < people_in_audience
        union all
        select campaign_id, 'overlap', other_campaign_id, people
        from audiences_shared
        union all
        select designs.campaign_id, 'content_unread', designs.content_path, null
        from designs
        left join contents_opened on designs.campaign_id = contents_opened.campaign_id
        where designs.content_path is not null and contents_opened.campaign_id is null
        union all
        select campaign_id, 'over_budget', null, cost_jpy - budget_jpy
        from designs
        where cost_jpy > budget_jpy
        union all
        -- only from the day of the first design on: what was before was not planned
        -- here
        select costs.campaign_id, 'not_designed', null, sum(costs.amount_jpy)
        from costs
        left join designs on costs.campaign_id = designs.campaign_id
        where
            designs.campaign_id is null
            and costs.campaign_id is not null
            and costs.cost_on >= (select min(starts_on) from designs)
        group by costs.campaign_id
    )

select
    {{ surrogate_key(["campaign_id", "finding_kind", "about"]) }} as finding_id,
    campaign_id,
    finding_kind,
    about,
    cast(amount as decimal(18, 2)) as amount
from found
