with

    blocks as (select * from {{ ref("contact_blocks") }}),

    lead_blocks as (select * from {{ ref("lead_contact_blocks") }}),

    scores as (select * from {{ ref("fct_lead_scores") }}),

    routes as (select * from {{ ref("fct_lead_routes") }}),

    decisions as (select * from {{ ref("fct_scenario_decisions") }}),

    -- what the block keeps from being said today
    costs as (
        select
            lead_blocks.block_id,
            count(distinct lead_blocks.person_id) as people_blocked,
            count(
                distinct case
                    when scores.score_band = 'hot' then lead_blocks.person_id
                end
            ) as hot_people_blocked,
            count(distinct routes.person_id) as routed_leads_blocked,
            count(distinct decisions.person_id) as scenario_people_blocked
        from lead_blocks
        left join scores on lead_blocks.person_id = scores.person_id
        left join
            routes
            on lead_blocks.person_id = routes.person_id
            and lead_blocks.requested_by_unit_id <> routes.owner_unit_id
        left join decisions on lead_blocks.person_id = decisions.person_id
        group by lead_blocks.block_id
    ),

    contact_blocks as (
        select
            blocks.block_id,
            blocks.requested_by_unit_id,
            blocks.channel,
            blocks.reason,
            blocks.requested_on,
            blocks.expires_on,
            {{ dbt.datediff("blocks.requested_on", "blocks.expires_on", "day") }}
            as days_asked,
            blocks.requested_on <= {{ as_of_date() }}
            and blocks.expires_on >= {{ as_of_date() }} as is_in_force,
            coalesce(costs.people_blocked, 0) as people_blocked,
            coalesce(costs.hot_people_blocked, 0) as hot_people_blocked,
            coalesce(costs.routed_leads_blocked, 0) as routed_leads_blocked,
            coalesce(costs.scenario_people_blocked, 0) as scenario_people_blocked
        from blocks
        left join costs on blocks.block_id = costs.block_id
    )

select *
from contact_blocks
