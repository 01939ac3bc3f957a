with

    routes as (select * from {{ ref("fct_lead_routes") }}),

    people as (select * from {{ ref("dim_people") }}),

    scores as (select * from {{ ref("fct_lead_scores") }}),

    tier_history as (select * from {{ ref("fct_tier_history") }}),

    lead_states as (select * from {{ ref("fct_lead_states") }}),

    checks as (select * from {{ ref("int_contact_checks") }} where purpose = 'sales'),

    notes as (select * from {{ ref("int_approach_notes") }}),

    handoffs as (select * from {{ ref("fct_handoffs") }}),

    blocks as (
        select *
        from {{ ref("lead_contact_blocks") }}
        where channel in ('email', 'phone')
    ),

    -- one channel that another unit asked to leave alone does not hold the lead back,
    -- it
    -- is told to who has it
    limits as (
        select
            handoffs.person_id,
            {{
                text_list(
                    "blocks.channel || ' (' || blocks.block_id || ')'",
                    ", ",
                    "blocks.block_id",
                )
            }} as channels_to_avoid
        from handoffs
        inner join
            blocks
            on handoffs.person_id = blocks.person_id
            and handoffs.accountable_unit_id <> blocks.requested_by_unit_id
        group by handoffs.person_id
    ),

    payloads as (
        select
            routes.person_id as sync_key,
            routes.person_id,
            people.email,
            people.display_name,
            people.company_name,
            people.department,
            people.position,
            people.phone,
            scores.grade,
            scores.total_score,
            tier_history.tier,
            lead_states.state,
            -- whose turn it is now: a hand-over that is overdue has moved by itself
            handoffs.accountable_unit_id as owner_unit_id,
            routes.informed_unit_ids,
            routes.rule_id as route_rule_id,
            routes.routed_at,
            notes.top_product,
            notes.approach_note || coalesce(
                ' | 控える連絡手段: ' || limits.channels_to_avoid, ''
            ) as approach_note,
            handoffs.may_act_from,
            checks.consent_status,
            checks.is_suppressed,
            checks.suppression_reason,
            checks.checks_passed
        from routes
        inner join people on routes.person_id = people.person_id
        inner join checks on routes.person_id = checks.person_id
        inner join notes on routes.person_id = notes.person_id
        inner join handoffs on routes.route_id = handoffs.route_id
        left join limits on routes.person_id = limits.person_id
        left join scores on routes.person_id = scores.person_id
        left join
            tier_history
            on routes.person_id = tier_history.person_id
            and tier_history.valid_to is null
        left join lead_states on routes.person_id = lead_states.person_id
    )

select *
from payloads
