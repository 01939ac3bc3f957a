with

    activity as (select * from {{ ref("int_person_activity") }}),

    scores as (select * from {{ ref("fct_lead_scores") }}),

    lead_consents as (select * from {{ ref("lead_consents") }}),

    states as (select * from {{ ref("states") }}),

    score_bands as (select * from {{ ref("score_bands") }} where band_kind = 'total'),

    states_fitting as (
        select
            scores.person_id,
            states.state,
            states.priority,
            'score band ' || scores.score_band as cause
        from scores
        inner join score_bands on scores.score_band = score_bands.band
        inner join states on states.state = 'good'
        inner join
            score_bands as bars
            on states.min_score_band = bars.band
            and score_bands.min_score >= bars.min_score
        union all
        select activity.person_id, states.state, states.priority, 'last order' as cause
        from activity
        inner join states on states.state = 'dormant'
        where {{ age_in_days("activity.last_order_at") }} >= states.within_days
        union all
        select
            lead_consents.person_id, states.state, states.priority, 'opted out' as cause
        from lead_consents
        inner join states on states.state = 'lapsing'
        where
            lead_consents.status = 'denied'
            and {{ age_in_days("lead_consents.decided_at") }} < states.within_days
        union all
        select
            activity.person_id,
            states.state,
            states.priority,
            'mails unanswered' as cause
        from activity
        inner join states on states.state = 'lapsing'
        where
            activity.recent_mails >= states.min_mails
            and (
                activity.last_reaction_at is null
                or {{ age_in_days("activity.last_reaction_at") }} >= states.within_days
            )
        union all
        select activity.person_id, states.state, states.priority, 'first seen' as cause
        from activity
        inner join states on states.state = 'new'
        where
            activity.last_order_at is null
            and {{ age_in_days("activity.first_known_at") }} < states.within_days
    ),

    states_ranked as (
        select
            *,
            row_number() over (
                partition by person_id order by priority, cause
            ) as state_rank
        from states_fitting
    ),

    lead_states as (
        select
            activity.person_id,
            states_ranked.state,
            states_ranked.cause,
            {{ as_of_date() }} as as_of
        from activity
        left join
            states_ranked
            on activity.person_id = states_ranked.person_id
            and states_ranked.state_rank = 1
    )

select *
from lead_states
