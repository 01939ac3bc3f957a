{# Where a hand-over begins when sales was at work on the person before (handoff_starts.csv): the last deed decides. #}
with

    routes as (select * from {{ ref("fct_lead_routes") }}),

    deeds as (select * from {{ ref("int_sales_deeds") }}),

    opportunities as (
        select * from {{ ref("stg_crm__opportunities") }} where closed_at is not null
    ),

    identifiers as (select * from {{ ref("person_identifiers") }}),

    requests as (select distinct touch_type from {{ ref("routing_requests") }}),

    parameters as (select * from {{ ref("routing_parameters") }}),

    starts as (select * from {{ ref("handoff_starts") }}),

    -- a deal that was won or lost is nobody's work any more
    last_words as (
        select person_id, signal as deed, occurred_at
        from deeds
        union all
        select identifiers.person_id, 'closed' as deed, opportunities.closed_at
        from opportunities
        inner join
            identifiers on 'crm_lead:' || opportunities.lead_id = identifiers.identifier
    ),

    -- of the day of the routing only what has a time of day came before it; midnight is
    -- the whole day's, which int_handoff_signals takes
    deeds_before as (
        select
            routes.route_id,
            last_words.deed,
            last_words.occurred_at,
            requests.touch_type is not null as has_asked,
            row_number() over (
                partition by routes.route_id
                order by
                    last_words.occurred_at desc,
                    case last_words.deed when 'closed' then 0 else 1 end,
                    last_words.deed
            ) as latest_first
        from routes
        inner join last_words on routes.person_id = last_words.person_id
        inner join parameters on parameters.parameter = 'worked_before_days'
        left join requests on routes.trigger_touch_type = requests.touch_type
        where
            last_words.occurred_at < routes.routed_at
            and last_words.occurred_at
            <> {{ day_begins_at(local_date("routes.routed_at")) }}
            and {{ seconds_between("last_words.occurred_at", "routes.routed_at") }}
            <= parameters.amount * 86400
    ),

    handoff_starts as (
        select
            deeds_before.route_id,
            starts.starts_as,
            deeds_before.occurred_at as worked_before_at
        from deeds_before
        inner join
            starts
            on deeds_before.deed = starts.last_deed
            and deeds_before.has_asked = starts.has_asked
        where deeds_before.latest_first = 1
    )

select *
from handoff_starts
