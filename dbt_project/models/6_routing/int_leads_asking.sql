with

    touches as (select * from {{ ref("fct_touches") }}),

    routing_requests as (select * from {{ ref("routing_requests") }}),

    parameters as (select * from {{ ref("routing_parameters") }}),

    requests as (
        select
            touches.person_id,
            touches.touch_id,
            touches.touch_type,
            routing_requests.form_kind,
            touches.product_id,
            touches.solution_id,
            touches.occurred_at,
            lag(touches.occurred_at) over (
                partition by touches.person_id
                order by touches.occurred_at, touches.touch_id
            ) as former_request_at
        from touches
        inner join routing_requests on touches.touch_type = routing_requests.touch_type
        where touches.person_id is not null and not touches.is_machine
    ),

    -- A reminder does not restart the clock of the hand-over that is under way.
    requests_opening as (
        select
            requests.*,
            row_number() over (
                partition by requests.person_id
                order by requests.occurred_at desc, requests.touch_id
            ) as newest_first
        from requests
        inner join parameters on parameters.parameter = 'episode_days'
        where
            requests.former_request_at is null
            or
            {{ seconds_between("requests.former_request_at", "requests.occurred_at") }}
            > parameters.amount * 86400
    ),

    leads_asking as (
        select
            person_id,
            touch_id as trigger_touch_id,
            touch_type as trigger_touch_type,
            form_kind,
            product_id,
            solution_id,
            occurred_at as routed_at
        from requests_opening
        where newest_first = 1
    )

select *
from leads_asking
