{#
  Process 2 of 4: deals and orders of a month and of a cohort, those who come back, and what the stock is worth.
#}
{%- set horizons = [1, 3, 6, 12, 24] %}
{%- set cuts = {
    "form_kind": "form_kind",
    "channel": "channel",
    "campaign": "campaign_id",
    "product": "product_id",
} %}
with

    kinds as (
        select 'all' as segment_kind
        {%- for kind in cuts %}
            union all
            select '{{ kind }}' as segment_kind
        {%- endfor %}
    ),

    opportunities as (select * from {{ ref("fct_opportunities") }}),

    orders as (select * from {{ ref("fct_orders") }}),

    outcomes as (select * from {{ ref("fct_lead_outcomes") }}),

    cohorts as (select * from {{ ref("fct_cohorts") }}),

    curves as (select * from {{ ref("fct_opportunity_curves") }}),

    changes as (select * from {{ ref("fct_kpi_changes") }}),

    followed as (select * from {{ ref("fct_leads_followed") }}),

    sends as (select * from {{ ref("fct_sends") }}),

    inquiry_paths as (select * from {{ ref("fct_inquiry_paths") }}),

    -- a deal is nurtured when its person reacted to a send of ours in the 90 days
    -- before
    nurtured as (
        select distinct opportunities.opportunity_id
        from opportunities
        inner join sends on opportunities.person_id = sends.person_id
        where
            (sends.is_opened or sends.is_clicked)
            and sends.sent_at < opportunities.created_at
            and sends.sent_at
            >= {{ dbt.dateadd("day", -90, "opportunities.created_at") }}
    ),

    deals as (
        select
            opportunities.created_month as period,
            case
                kinds.segment_kind
                {%- for kind, column in cuts.items() %}
                    when '{{ kind }}'
                    then coalesce(opportunities.{{ column }}, '(none)')
                {%- endfor %}
                else 'all'
            end as segment_id,
            kinds.segment_kind,
            count(*) as opportunities,
            count(nurtured.opportunity_id) as opportunities_nurtured
        from opportunities
        cross join kinds
        left join nurtured on opportunities.opportunity_id = nurtured.opportunity_id
        where opportunities.created_month is not null
        group by all
    ),

    sales as (
        select
            orders.ordered_month as period,
            case
                kinds.segment_kind
                {%- for kind, column in cuts.items() %}
                    when '{{ kind }}' then coalesce(orders.{{ column }}, '(none)')
                {%- endfor %}
                else 'all'
            end as segment_id,
            kinds.segment_kind,
            count(*) as orders,
            sum(coalesce(orders.amount_jpy, 0)) as revenue_jpy,
            sum(coalesce(orders.gross_margin_jpy, 0)) as margin_jpy,
            count(*) filter (
                where
                    orders.lead_on < {{ dbt.dateadd("month", -6, "orders.ordered_on") }}
            ) as orders_of_old_leads
        from orders
        cross join kinds
        where orders.ordered_month is not null
        group by all
    ),

    order_counts as (
        select person_id, count(*) as orders
        from orders
        where person_id is not null
        group by person_id
    ),

    followed_now as (select * from followed where is_current),

    median_months as (
        select min(age_days) / 30.4375 as months
        from curves
        where cohort = 'all' and survival <= 0.5
    )

{%- for measure in ["opportunities", "opportunities_nurtured"] %}
    select
        '{{ measure }}' as measure,
        period,
        segment_kind,
        segment_id,
        cast({{ measure }} as decimal(28, 9)) as amount
    from deals
    union all
{%- endfor %}
{%- for measure in ["orders", "revenue_jpy", "margin_jpy", "orders_of_old_leads"] %}
    select
        '{{ measure }}' as measure,
        period,
        segment_kind,
        segment_id,
        cast({{ measure }} as decimal(28, 9)) as amount
    from sales
    union all
{%- endfor %}
{%- for horizon in horizons %}
    select
        'cohort_opportunities_{{ horizon }}m' as measure,
        cohort_month as period,
        'all' as segment_kind,
        'all' as segment_id,
        cast(opportunities_cum as decimal(28, 9)) as amount
    from cohorts
    where age_months = {{ horizon }} and is_mature
    union all
    select 'cohort_orders_{{ horizon }}m', cohort_month, 'all', 'all', orders_cum
    from cohorts
    where age_months = {{ horizon }} and is_mature
    union all
    select 'cohort_leads_{{ horizon }}m', cohort_month, 'all', 'all', leads
    from cohorts
    where age_months = {{ horizon }} and is_mature
    union all
    -- the curve as it stands at this age, of everybody who was watched so long
    select
        'opportunity_curve',
        {{ as_of_date() }},
        'horizon_months',
        '{{ horizon }}',
        cast(max(conversion) as decimal(28, 9))
    from curves
    where
        cohort = 'all'
        and age_days <= {{ horizon }} * 30.4375
        and (select max(age_days) from curves where cohort = 'all')
        >= {{ horizon }} * 30.4375
    union all
{%- endfor %}
select 'months_waited', lead_month, 'all', 'all', sum(months_to_opportunity)
from outcomes
where months_to_opportunity is not null
group by lead_month
union all
select 'leads_converted', lead_month, 'all', 'all', count(*)
from outcomes
where months_to_opportunity is not null
group by lead_month
union all
select 'median_months_to_opportunity', {{ as_of_date() }}, 'all', 'all', months
from median_months
union all
{%- for part in ["visitors", "action_rate", "opportunity_rate"] %}
    select
        'growth_by_{{ part }}',
        month,
        case when compared_with = 'former_month' then 'all' else 'compared_with' end,
        case when compared_with = 'former_month' then 'all' else compared_with end,
        by_{{ part }}
    from changes
    union all
{%- endfor %}
{%- for measure, condition in {
    "leads_unconverted": "1 = 1",
    "leads_returned_30d": "sessions_30d > 0",
    "leads_returned_90d": "sessions_90d > 0",
    "ripening_leads": "is_ripening",
}.items() %}
    select
        '{{ measure }}',
        {{ as_of_date() }},
        'all',
        'all',
        count(*) filter (where {{ condition }})
    from followed_now
    union all
{%- endfor %}
{%- for times in [1, 2, 3] %}
    select
        'customers_with_{{ times }}_orders',
        {{ as_of_date() }},
        'all',
        'all',
        count(*) filter (where orders >= {{ times }})
    from order_counts
    union all
{%- endfor %}
select
    'sessions_before_inquiries',
    {{ local_month("inquired_at") }},
    'all',
    'all',
    sum(pre_inquiry_sessions)
from inquiry_paths
group by 2
union all
select 'first_inquiries', {{ local_month("inquired_at") }}, 'all', 'all', count(*)
from inquiry_paths
group by 2
