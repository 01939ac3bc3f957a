with

    people as (select * from {{ ref("dim_people") }}),

    tier_history as (select * from {{ ref("fct_tier_history") }}),

    tiers as (select * from {{ ref("tiers") }}),

    lead_states as (select * from {{ ref("fct_lead_states") }}),

    lead_consents as (select * from {{ ref("lead_consents") }}),

    activity as (select * from {{ ref("int_person_activity") }}),

    segments as (select * from {{ ref("segments") }}),

    scenarios as (select * from {{ ref("scenarios") }}),

    dates as (select * from {{ ref("int_person_dates") }}),

    -- the nurture scope is a setting of the company (G04); own staff are never in it
    leads_in_scope as (
        select
            people.person_id,
            tier_history.tier,
            lead_states.state,
            activity.last_touch_at,
            cast(
                {{ age_in_days("activity.last_touch_at") }} as integer
            ) as days_since_touch
        from people
        inner join
            tier_history
            on people.person_id = tier_history.person_id
            and tier_history.valid_to is null
        inner join tiers on tier_history.tier = tiers.tier and tiers.in_nurture_scope
        inner join lead_states on people.person_id = lead_states.person_id
        inner join activity on people.person_id = activity.person_id
        where not people.is_internal
    ),

    scenarios_fitting as (
        select
            leads_in_scope.*,
            scenarios.scenario_id,
            scenarios.segment_id,
            scenarios.action,
            scenarios.channel,
            scenarios.content,
            scenarios.date_attribute,
            scenarios.date_offset_days,
            dates.falls_on,
            lead_consents.status as consent_status,
            scenarios.why,
            row_number() over (
                partition by leads_in_scope.person_id
                order by scenarios.priority, scenarios.scenario_id
            ) as scenario_rank
        from leads_in_scope
        cross join scenarios
        inner join segments on scenarios.segment_id = segments.segment_id
        left join
            lead_consents
            on leads_in_scope.person_id = lead_consents.person_id
            and scenarios.consent_channel = lead_consents.channel
        left join
            dates
            on leads_in_scope.person_id = dates.person_id
            and scenarios.date_attribute = dates.attribute
        where
            (segments.tier is null or segments.tier = leads_in_scope.tier)
            and (segments.state is null or segments.state = leads_in_scope.state)
            and (scenarios.consent_channel is null or lead_consents.status = 'granted')
            and (
                scenarios.min_days_since_touch is null
                or leads_in_scope.days_since_touch is null
                or leads_in_scope.days_since_touch >= scenarios.min_days_since_touch
            )
            -- Open for date_open_days from the day that lies date_offset_days from the
            -- date: the calendar alone opens it, no deed is needed.
            and (
                scenarios.date_attribute is null
                or (
                    {{ dbt.datediff("dates.falls_on", as_of_date(), "day") }}
                    >= scenarios.date_offset_days
                    and {{ dbt.datediff("dates.falls_on", as_of_date(), "day") }}
                    < scenarios.date_offset_days + scenarios.date_open_days
                )
            )
    ),

    decisions as (
        select
            {{ surrogate_key(["person_id", as_of_date()]) }} as decision_id,
            person_id,
            scenario_id,
            segment_id,
            action,
            channel,
            content,
            tier,
            state,
            consent_status,
            last_touch_at,
            days_since_touch,
            why,
            'tier='
            || tier
            || ' state='
            || coalesce(state, 'none')
            || ' consent='
            || coalesce(consent_status, 'not needed')
            || ' days since touch='
            || coalesce(cast(days_since_touch as {{ dbt.type_string() }}), 'never')
            || coalesce(
                ' '
                || date_attribute
                || '='
                || cast(falls_on as {{ dbt.type_string() }})
                || ' offset days='
                || cast(date_offset_days as {{ dbt.type_string() }}),
                ''
            ) as inputs,
            {{ as_of_date() }} as as_of
        from scenarios_fitting
        where scenario_rank = 1
    )

select *
from decisions
