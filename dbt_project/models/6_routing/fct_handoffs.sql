with

    routes as (select * from {{ ref("fct_lead_routes") }}),

    clocks as (select * from {{ ref("int_handoff_clocks") }}),

    starts as (select * from {{ ref("int_handoff_starts") }}),

    signals as (select * from {{ ref("int_handoff_signals") }}),

    moves as (select * from {{ ref("fct_handoff_transitions") }}),

    transitions as (
        select from_state, min(after_business_hours) as after_business_hours
        from {{ ref("handoff_transitions") }}
        where
            protocol_id = '{{ var("handoff_protocol", "agreed") }}'
            and on_signal is null
        group by from_state
    ),

    days as (select * from {{ ref("int_business_days") }}),

    sales_units as (select * from {{ ref("sales_units") }}),

    rules as (select * from {{ ref("routing_rules") }}),

    activities as (select * from {{ ref("stg_crm__activities") }}),

    identifiers as (select * from {{ ref("person_identifiers") }}),

    return_reasons as (select * from {{ ref("return_reasons") }}),

    touches as (select * from {{ ref("fct_touches") }}),

    parameters as (select * from {{ ref("routing_parameters") }}),

    moves_ranked as (
        select
            *,
            row_number() over (partition by route_id order by step desc) as latest_first
        from moves
    ),

    standing as (select * from moves_ranked where latest_first = 1),

    entered as (
        select
            route_id,
            min(
                case when to_state = 'claimed' then working_seconds end
            ) as claimed_place,
            min(case when to_state = 'escalated' then moved_at end) as escalated_at,
            min(case when to_state = 'returned' then moved_at end) as returned_at,
            min(case when to_state = 'recycled' then moved_at end) as recycled_at,
            max(case when to_state = 'recycled' then moved_by end) as recycled_by
        from moves
        group by route_id
    ),

    signals_ranked as (
        select
            *,
            row_number() over (
                partition by route_id, signal
                order by signalled_at, acting_unit_id nulls last
            ) as first_first
        from signals
    ),

    signalled as (
        select
            route_id,
            min(case when signal = 'claimed' then signalled_at end) as claimed_at,
            min(case when signal = 'claimed' then working_seconds end) as claimed_place,
            min(case when signal = 'contacted' then signalled_at end) as contacted_at,
            min(
                case when signal = 'contacted' then working_seconds end
            ) as contacted_place,
            min(
                case when signal = 'contacted' then acting_unit_id end
            ) as contacted_by_unit_id,
            min(case when signal = 'qualified' then signalled_at end) as qualified_at,
            min(
                case when signal = 'qualified' then working_seconds end
            ) as qualified_place,
            min(case when signal = 'returned' then signalled_at end) as returned_at,
            min(case when signal = 'recycled' then signalled_at end) as recycled_at
        from signals_ranked
        where first_first = 1
        group by route_id
    ),

    -- the reason stands in what sales wrote about the lead on the day of the return
    reasons_found as (
        select
            entered.route_id,
            return_reasons.reason_id,
            row_number() over (
                partition by entered.route_id
                order by
                    abs(
                        {{
                            seconds_between(
                                "activities.occurred_at", "entered.returned_at"
                            )
                        }}
                    ),
                    return_reasons.reason_id
            ) as nearest_first
        from entered
        inner join routes on entered.route_id = routes.route_id
        inner join identifiers on routes.person_id = identifiers.person_id
        inner join
            activities on identifiers.identifier = 'crm_lead:' || activities.lead_id
        inner join
            return_reasons
            on coalesce(activities.outcome, '')
            || ' '
            || coalesce(activities.subject, '')
            like '%' || return_reasons.pattern || '%'
        where
            entered.returned_at is not null
            and {{ local_date("activities.occurred_at") }}
            = {{ local_date("entered.returned_at") }}
    ),

    complaints as (
        select routes.route_id, min(touches.occurred_at) as complaint_at
        from routes
        inner join touches on routes.person_id = touches.person_id
        inner join parameters on parameters.parameter = 'complaint_days'
        where
            touches.touch_type = 'complaint'
            and touches.occurred_at >= routes.routed_at
            and {{ seconds_between("routes.routed_at", "touches.occurred_at") }}
            <= parameters.amount * 86400
        group by routes.route_id
    ),

    deadlines as (
        select
            standing.route_id,
            {{
                moment_at_working_seconds(
                    "days",
                    "(standing.working_seconds + transitions.after_business_hours * 3600)",
                )
            }}
            as due_at
        from standing
        inner join transitions on standing.to_state = transitions.from_state
        inner join clocks on standing.route_id = clocks.route_id
        inner join
            days
            on clocks.calendar_id = days.calendar_id
            and standing.working_seconds + transitions.after_business_hours * 3600
            > days.seconds_before
            and standing.working_seconds + transitions.after_business_hours * 3600
            <= days.seconds_before + days.open_seconds
    ),

    handoffs as (
        select
            routes.route_id,
            routes.person_id,
            routes.owner_unit_id,
            routes.informed_unit_ids,
            standing.accountable_unit_id,
            standing.accountable_role,
            standing.to_state as state,
            standing.moved_at as state_since,
            deadlines.due_at,
            routes.routed_at,
            coalesce(starts.starts_as, 'routed') as started_as,
            starts.worked_before_at,
            clocks.may_act_from,
            clocks.contact_due_at,
            signalled.claimed_at,
            signalled.contacted_at as first_contact_at,
            signalled.contacted_by_unit_id,
            entered.escalated_at,
            entered.returned_at,
            case
                when entered.returned_at is not null
                then coalesce(reasons_found.reason_id, 'not_told')
            end as return_reason_id,
            entered.recycled_at,
            signalled.qualified_at as opportunity_created_at,
            complaints.complaint_at,
            case
                when standing.to_state = 'qualified'
                then 'qualified'
                when entered.returned_at is not null
                then 'returned'
                when standing.to_state = 'recycled' and entered.recycled_by = 'signal'
                then 'recycled'
                else 'no_outcome_yet'
            end as outcome,
            -- a deal, or a lead given back, proves that somebody has looked
            coalesce(
                signalled.contacted_at,
                signalled.qualified_at,
                signalled.returned_at,
                signalled.recycled_at
            )
            is null
            and coalesce(starts.starts_as, 'routed') in ('routed', 'claimed')
            and clocks.working_seconds_now > clocks.contact_due_place as is_overdue,
            starts.starts_as is null
            and coalesce(
                signalled.claimed_place,
                signalled.contacted_place,
                signalled.qualified_place,
                clocks.working_seconds_now
            )
            > clocks.working_seconds
            + claim_deadlines.after_business_hours * 3600 as is_claim_late,
            coalesce(starts.starts_as, 'routed') in ('routed', 'claimed')
            and coalesce(
                signalled.contacted_place,
                signalled.qualified_place,
                clocks.working_seconds_now
            )
            > clocks.contact_due_place as is_contact_late,
            rules.decider is null as is_auto_routed,
            complaints.complaint_at is not null as is_complaint_after_handoff,
            cast(
                {{ seconds_between("routes.routed_at", "signalled.contacted_at") }}
                / 3600.0 as decimal(18, 2)
            ) as hours_to_contact,
            cast(
                (signalled.claimed_place - clocks.working_seconds)
                / 3600.0 as decimal(18, 2)
            ) as business_hours_to_claim,
            cast(
                (signalled.contacted_place - clocks.working_seconds)
                / 3600.0 as decimal(18, 2)
            ) as business_hours_to_contact
        from routes
        inner join clocks on routes.route_id = clocks.route_id
        inner join standing on routes.route_id = standing.route_id
        inner join entered on routes.route_id = entered.route_id
        inner join
            transitions as claim_deadlines on claim_deadlines.from_state = 'routed'
        left join starts on routes.route_id = starts.route_id
        left join signalled on routes.route_id = signalled.route_id
        left join deadlines on routes.route_id = deadlines.route_id
        left join
            reasons_found
            on routes.route_id = reasons_found.route_id
            and reasons_found.nearest_first = 1
        left join complaints on routes.route_id = complaints.route_id
        left join rules on routes.rule_id = rules.rule_id
    )

select *
from handoffs
