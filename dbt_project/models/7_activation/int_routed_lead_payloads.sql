with

    routes as (select * from {{ ref("fct_lead_routes") }}),

    people as (select * from {{ ref("dim_people") }}),

    scores as (select * from {{ ref("fct_lead_scores") }}),

    tier_history as (select * from {{ ref("fct_tier_history") }}),

    lead_states as (select * from {{ ref("fct_lead_states") }}),

    lead_consents as (select * from {{ ref("lead_consents") }}),

    addresses as (select * from {{ ref("int_addresses_failing") }}),

    notes as (select * from {{ ref("int_approach_notes") }}),

    handoffs as (select * from {{ ref("fct_handoffs") }}),

    suppressions as (
        select
            people.person_id,
            coalesce(lead_consents.status, 'unknown') as consent_status,
            case
                when people.is_internal
                then 'internal'
                when lead_consents.status = 'denied'
                then 'consent denied'
                when addresses.reason is not null
                then 'address ' || addresses.reason
            end as suppression_reason
        from people
        left join
            lead_consents
            on people.person_id = lead_consents.person_id
            and lead_consents.channel = 'email'
        left join addresses on people.email = addresses.email
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
            notes.approach_note,
            handoffs.may_act_from,
            suppressions.consent_status,
            suppressions.suppression_reason is not null as is_suppressed,
            suppressions.suppression_reason
        from routes
        inner join people on routes.person_id = people.person_id
        inner join suppressions on routes.person_id = suppressions.person_id
        inner join notes on routes.person_id = notes.person_id
        inner join handoffs on routes.route_id = handoffs.route_id
        left join scores on routes.person_id = scores.person_id
        left join
            tier_history
            on routes.person_id = tier_history.person_id
            and tier_history.valid_to is null
        left join lead_states on routes.person_id = lead_states.person_id
    )

select *
from payloads
