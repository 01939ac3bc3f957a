{# LM04: the people a designed campaign is for: those of its segment as they stand today, own staff never among them. #}
with

    designs as (select * from {{ ref("campaign_designs") }}),

    segments as (select * from {{ ref("segments") }}),

    tier_history as (
        select * from {{ ref("fct_tier_history") }} where valid_to is null
    ),

    lead_states as (select * from {{ ref("fct_lead_states") }}),

    consents as (select * from {{ ref("lead_consents") }}),

    list_people as (
        select person_id, is_reachable
        from {{ ref("fct_list_people") }}
        where list_name = '(all)'
    )

select
    designs.campaign_id,
    tier_history.person_id,
    designs.contact_channel,
    cast(designs.starts_on as date) as starts_on,
    cast(designs.ends_on as date) as ends_on,
    designs.contact_channel is null
    or coalesce(consents.status, 'unknown') = 'granted' as is_consented,
    designs.contact_channel is null
    or coalesce(list_people.is_reachable, false) as is_reachable
from designs
inner join segments on designs.segment_id = segments.segment_id
inner join tier_history on segments.tier is null or segments.tier = tier_history.tier
inner join
    lead_states
    on tier_history.person_id = lead_states.person_id
    and (segments.state is null or segments.state = lead_states.state)
inner join list_people on tier_history.person_id = list_people.person_id
left join
    consents
    on tier_history.person_id = consents.person_id
    and designs.contact_channel = consents.channel
