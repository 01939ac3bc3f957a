with

    handoffs as (select * from {{ ref("fct_handoffs") }}),

    sales_units as (select * from {{ ref("sales_units") }}),

    handoffs_dated as (
        select
            *,
            {{ local_month("routed_at") }} as month,
            {{ local_date("routed_at") }} as routed_on
        from handoffs
    ),

    -- the middle and the slowest twentieth of those who acted, by rank: a figure that
    -- somebody really took
    claims_ranked as (
        select
            owner_unit_id,
            month,
            business_hours_to_claim as hours,
            row_number() over (
                partition by owner_unit_id, month
                order by business_hours_to_claim, route_id
            ) as place,
            count(*) over (partition by owner_unit_id, month) as people
        from handoffs_dated
        where business_hours_to_claim is not null
    ),

    contacts_ranked as (
        select
            owner_unit_id,
            month,
            business_hours_to_contact as hours,
            row_number() over (
                partition by owner_unit_id, month
                order by business_hours_to_contact, route_id
            ) as place,
            count(*) over (partition by owner_unit_id, month) as people
        from handoffs_dated
        where business_hours_to_contact is not null
    ),

    claim_times as (
        select
            owner_unit_id,
            month,
            min(case when place * 2 >= people then hours end) as p50,
            min(case when place * 20 >= people * 19 then hours end) as p95
        from claims_ranked
        group by owner_unit_id, month
    ),

    contact_times as (
        select
            owner_unit_id,
            month,
            min(case when place * 2 >= people then hours end) as p50,
            min(case when place * 20 >= people * 19 then hours end) as p95
        from contacts_ranked
        group by owner_unit_id, month
    ),

    -- days on which the month had already brought more leads than the unit can take
    days_routed as (
        select
            owner_unit_id,
            month,
            routed_on,
            sum(count(*)) over (
                partition by owner_unit_id, month
                order by routed_on
                rows between unbounded preceding and current row
            ) as routed_so_far
        from handoffs_dated
        group by owner_unit_id, month, routed_on
    ),

    days_exceeded as (
        select
            days_routed.owner_unit_id,
            days_routed.month,
            count(
                case
                    when days_routed.routed_so_far > sales_units.capacity_per_month
                    then 1
                end
            ) as days
        from days_routed
        inner join sales_units on days_routed.owner_unit_id = sales_units.unit_id
        group by days_routed.owner_unit_id, days_routed.month
    ),

    followups as (
        select
            handoffs.month,
            handoffs.owner_unit_id as unit_id,
            count(*) as routed,
            count(handoffs.claimed_at) as claimed,
            count(handoffs.first_contact_at) as contacted,
            count(
                case when not handoffs.is_contact_late then 1 end
            ) as contacted_in_time,
            count(case when handoffs.is_overdue then 1 end) as unfollowed,
            count(handoffs.escalated_at) as escalated,
            count(handoffs.returned_at) as returned,
            count(handoffs.recycled_at) as recycled,
            count(handoffs.opportunity_created_at) as qualified,
            count(
                case when handoffs.outcome = 'no_outcome_yet' then 1 end
            ) as without_outcome,
            count(
                case when handoffs.is_complaint_after_handoff then 1 end
            ) as complaints,
            count(case when handoffs.is_auto_routed then 1 end) as auto_routed
        from handoffs_dated as handoffs
        group by handoffs.month, handoffs.owner_unit_id
    )

select
    followups.month,
    followups.unit_id,
    sales_units.name_ja as unit_name_ja,
    sales_units.name_en as unit_name_en,
    followups.routed,
    followups.claimed,
    followups.contacted,
    followups.contacted_in_time,
    followups.unfollowed,
    followups.escalated,
    followups.returned,
    followups.recycled,
    followups.qualified,
    followups.without_outcome,
    followups.complaints,
    followups.auto_routed,
    claim_times.p50 as claim_hours_p50,
    claim_times.p95 as claim_hours_p95,
    contact_times.p50 as contact_hours_p50,
    contact_times.p95 as contact_hours_p95,
    sales_units.capacity_per_month,
    coalesce(days_exceeded.days, 0) as capacity_exceeded_days
from followups
inner join sales_units on followups.unit_id = sales_units.unit_id
left join
    claim_times
    on followups.unit_id = claim_times.owner_unit_id
    and followups.month = claim_times.month
left join
    contact_times
    on followups.unit_id = contact_times.owner_unit_id
    and followups.month = contact_times.month
left join
    days_exceeded
    on followups.unit_id = days_exceeded.owner_unit_id
    and followups.month = days_exceeded.month
