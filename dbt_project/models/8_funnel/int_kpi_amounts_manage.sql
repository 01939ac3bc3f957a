{# Process 4 of 4: hand-over, agreement between marketing and sales, effort. #}
with

    handoffs as (select * from {{ ref("fct_handoffs") }}),

    routes as (select * from {{ ref("fct_lead_routes") }}),

    findings as (select * from {{ ref("routing_findings") }}),

    touches as (select * from {{ ref("fct_touches") }}),

    activities as (select * from {{ ref("stg_crm__activities") }}),

    outcome_reasons as (select * from {{ ref("outcome_reasons") }}),

    efforts as (select * from {{ ref("fct_deal_efforts") }}),

    -- a request is routed when its person has a hand-over, opened then or under way
    asking as (
        select
            {{ local_month("touches.occurred_at") }} as period,
            touches.touch_id,
            max(case when routes.route_id is not null then 1 else 0 end) as is_routed
        from touches
        left join
            routes
            on touches.person_id = routes.person_id
            and routes.routed_at <= {{ dbt.dateadd("day", 1, "touches.occurred_at") }}
        where
            touches.touch_type in ('inquiry', 'quote_request')
            and touches.person_id is not null
            and not touches.is_machine
        group by all
    ),

    handoffs_judged as (
        select
            handoffs.route_id,
            {{ local_month("handoffs.routed_at") }} as period,
            handoffs.owner_unit_id,
            handoffs.first_contact_at,
            handoffs.hours_to_contact,
            handoffs.business_hours_to_claim,
            handoffs.is_overdue
            or coalesce(
                handoffs.hours_to_contact > parameters.amount, false
            ) as is_late,
            handoffs.state = 'routed' as is_unfollowed,
            {{ dbt.dateadd("day", 30, "handoffs.routed_at") }} as complaints_until,
            handoffs.routed_at,
            handoffs.person_id
        from handoffs
        inner join
            {{ ref("routing_parameters") }} as parameters
            on parameters.parameter = 'contact_within_hours'
    ),

    complaints as (
        select distinct handoffs_judged.route_id
        from handoffs_judged
        inner join touches on handoffs_judged.person_id = touches.person_id
        where
            touches.touch_type = 'complaint'
            and touches.occurred_at >= handoffs_judged.routed_at
            and touches.occurred_at < handoffs_judged.complaints_until
    ),

    handoffs_told as (
        select
            handoffs_judged.*,
            kinds.segment_kind,
            case
                when kinds.segment_kind = 'unit'
                then coalesce(handoffs_judged.owner_unit_id, '(none)')
                else 'all'
            end as segment_id,
            complaints.route_id is not null as has_complaint
        from handoffs_judged
        cross join
            (
                select 'all' as segment_kind
                union all
                select 'unit' as segment_kind
            ) as kinds
        left join complaints on handoffs_judged.route_id = complaints.route_id
    ),

    waits_ranked as (
        {%- for kind, column in {
            "contact": "hours_to_contact",
            "claim": "business_hours_to_claim",
        }.items() %}
            select
                '{{ kind }}' as kind,
                period,
                segment_kind,
                segment_id,
                {{ column }} as hours,
                row_number() over (
                    partition by period, segment_kind, segment_id
                    order by {{ column }}, route_id
                ) as place,
                count(*) over (partition by period, segment_kind, segment_id) as waits
            from handoffs_told
            where {{ column }} is not null
            {% if not loop.last %}
                union all
            {% endif %}
        {%- endfor %}
    ),

    reasons_ranked as (
        select
            activities.activity_id,
            {{ local_month("activities.occurred_at") }} as period,
            outcome_reasons.reason,
            outcome_reasons.is_lost_to_rival,
            row_number() over (
                partition by activities.row_key order by outcome_reasons.priority
            ) as best_first
        from activities
        inner join outcome_reasons on activities.outcome like outcome_reasons.pattern
    ),

    reasons as (select * from reasons_ranked where best_first = 1),

    efforts_summed as (
        select
            created_month as period,
            kinds.segment_kind,
            case
                when kinds.segment_kind = 'style' then style else 'all'
            end as segment_id,
            count(*) as deals,
            sum(contacts) as contacts,
            sum(minutes) as minutes
        from efforts
        cross join
            (
                select 'all' as segment_kind
                union all
                select 'style' as segment_kind
            ) as kinds
        group by all
    )

{%- for measure, condition in {
        "handoffs": "1 = 1",
        "handoffs_late": "is_late",
        "handoffs_unfollowed": "is_unfollowed",
        "handoffs_contacted": "hours_to_contact is not null",
        "handoffs_with_complaint": "has_complaint",
    }.items() %}
    select
        '{{ measure }}' as measure,
        period,
        segment_kind,
        segment_id,
        count(*) filter (where {{ condition }}) as amount
    from handoffs_told
    group by period, segment_kind, segment_id
    union all
{%- endfor %}
select 'contact_hours', period, segment_kind, segment_id, sum(hours_to_contact)
from handoffs_told
where hours_to_contact is not null
group by period, segment_kind, segment_id
union all
-- the smallest value that half (or 95 of 100) do not exceed
{%- for measure, kind, share in [
    ("median_hours_to_contact", "contact", 0.5),
    ("p95_hours_to_contact", "contact", 0.95),
    ("claim_time_hours", "claim", 0.5),
] %}
    select '{{ measure }}', period, segment_kind, segment_id, min(hours)
    from waits_ranked
    where kind = '{{ kind }}' and place >= {{ share }} * waits
    group by period, segment_kind, segment_id
    union all
{%- endfor %}
select 'requests', period, 'all', 'all', count(*)
from asking
group by period
union all
select 'requests_routed', period, 'all', 'all', sum(is_routed)
from asking
group by period
union all
select
    'routes_without_owner',
    {{ local_month("routed_at") }},
    'all',
    'all',
    count(*) filter (where owner_unit_id is null)
from routes
group by 2
union all
select 'routes', {{ local_month("routed_at") }}, 'all', 'all', count(*)
from routes
group by 2
union all
{%- for kpi, kind in {
    "routing_gap_count": "('gap')",
    "routing_overlap_count": "('tie', 'overlap')",
}.items() %}
    select '{{ kpi }}', {{ as_of_date() }}, 'all', 'all', count(*)
    from findings
    where finding_kind in {{ kind }}
    union all
{%- endfor %}
select 'leads_returned', period, 'all', 'all', count(*)
from reasons
group by period
union all
select 'leads_returned', period, 'reason', reason, count(*)
from reasons
group by period, reason
union all
select
    'leads_disputed', period, 'all', 'all', count(*) filter (where reason = 'disputed')
from reasons
group by period
union all
select
    'leads_lost_to_rival',
    period,
    'all',
    'all',
    count(*) filter (where is_lost_to_rival)
from reasons
group by period
union all
select 'deals_worked', period, segment_kind, segment_id, deals
from efforts_summed
union all
select 'contacts_before_deals', period, segment_kind, segment_id, contacts
from efforts_summed
union all
select 'hours_before_deals', period, segment_kind, segment_id, minutes / 60.0
from efforts_summed
