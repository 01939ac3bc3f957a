{# What is known of each routed lead that an approach rule may speak of. #}
with

    routes as (select * from {{ ref("fct_lead_routes") }}),
    bant as (select * from {{ ref("fct_lead_bant") }}),
    gaps as (select * from {{ ref("lead_gaps") }}),
    stages as (select * from {{ ref("fct_buying_stages") }} where valid_to is null),
    timing as (select * from {{ ref("fct_timing_signals") }}),
    consents as (select * from {{ ref("lead_consents") }} where status = 'denied'),
    requests as (select distinct touch_type from {{ ref("routing_requests") }}),

    asking as (
        select routes.person_id, routes.trigger_touch_type
        from routes
        inner join requests on routes.trigger_touch_type = requests.touch_type
    ),

    signals as (
        select person_id, 'asked' as signal, trigger_touch_type as signal_value
        from asking
        union all
        select person_id, 'bant_no', dimension
        from bant
        where not is_positive
        union all
        select person_id, 'gap', attribute
        from gaps
        union all
        select person_id, 'stage', buying_stage
        from stages
        union all
        select person_id, 'stage_change', 'regressed'
        from stages
        where is_regression
        union all
        select stages.person_id, 'not_asked', stages.buying_stage
        from stages
        where
            not exists (select 1 from asking where asking.person_id = stages.person_id)
        union all
        select person_id, 'timing_signal', timing_signal
        from timing
        union all
        select person_id, 'consent_denied', channel
        from consents
    )

select distinct signals.person_id, signals.signal, signals.signal_value
from signals
inner join routes on signals.person_id = routes.person_id
