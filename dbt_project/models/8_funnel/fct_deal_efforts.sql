{#
  K17, K19: what sellers did before each deal, and whether its person had asked by a form (pull) or sales came first
  (push). Minutes are assumed by kind of activity (effort_minutes.csv), not measured.
#}
with

    deals as (select * from {{ ref("stg_crm__opportunities") }}),

    opportunities as (select * from {{ ref("fct_opportunities") }}),

    activities as (select * from {{ ref("stg_crm__activities") }}),

    effort_minutes as (select * from {{ ref("effort_minutes") }}),

    efforts as (
        select activities.lead_id, activities.occurred_at, effort_minutes.minutes
        from activities
        inner join
            effort_minutes on activities.activity_type = effort_minutes.activity_type
    )

select
    deals.opportunity_id,
    {{ local_month("deals.created_at") }} as created_month,
    case
        when opportunities.form_kind in ('inquiry', 'quote') then 'pull' else 'push'
    end as style,
    cast(count(efforts.lead_id) as bigint) as contacts,
    cast(coalesce(sum(efforts.minutes), 0) as bigint) as minutes
from deals
inner join opportunities on deals.opportunity_id = opportunities.opportunity_id
left join
    efforts
    on deals.lead_id = efforts.lead_id
    and efforts.occurred_at < deals.created_at
where deals.created_at is not null
group by deals.opportunity_id, deals.created_at, opportunities.form_kind
