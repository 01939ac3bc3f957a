{#
  Leads without a deal, month by month: who came back in the 30 and 90 days before, and how ripe they look. The row of a
  month stands for its first instant, and nothing is read that was unknown then: no later deed, no deed that was anonymous.
  ripeness is the sum of the buying stages (1 to 7) of a person's own deeds of 30 days.
#}
with

    leads as (select * from {{ ref("int_leads_acquired") }}),

    opportunities as (select * from {{ ref("fct_opportunities") }}),

    touches as (select * from {{ ref("fct_touches") }}),

    touch_types as (select * from {{ ref("touch_types") }}),

    buying_stages as (select * from {{ ref("buying_stages") }}),

    days as (select * from {{ ref("time_spine") }}),

    first_opportunities as (
        select person_id, min(created_at) as created_at
        from opportunities
        where person_id is not null
        group by person_id
    ),

    -- the first of every month with leads, and the end of the as-of day
    lists as (
        select
            days.date_day as list_on,
            {{ day_begins_at("days.date_day") }} as listed_at,
            false as is_current
        from days
        inner join
            (select min(lead_month) as first_month from leads) as bounds
            on days.date_day > bounds.first_month
        where days.date_day = cast(date_trunc('month', days.date_day) as date)
        union all
        select
            cast({{ dbt.dateadd("day", 1, as_of_date()) }} as date),
            {{ as_of_end() }},
            true
    ),

    deeds as (
        select
            touches.person_id,
            touches.occurred_at,
            touches.session_id,
            coalesce(buying_stages.stage_number, 0) as stage_number
        from touches
        inner join touch_types on touches.touch_type = touch_types.touch_type
        inner join leads on touches.person_id = leads.person_id
        left join buying_stages on touches.buying_stage = buying_stages.buying_stage
        where
            touch_types.is_reaction
            and not touches.is_machine
            and not touches.was_anonymous
            and touches.occurred_at > leads.lead_at
    ),

    unconverted as (
        select
            lists.list_on,
            lists.listed_at,
            lists.is_current,
            leads.person_id,
            leads.lead_month,
            leads.lead_at,
            first_opportunities.created_at as opportunity_at
        from lists
        inner join leads on leads.lead_at < lists.listed_at
        left join first_opportunities on leads.person_id = first_opportunities.person_id
        where
            first_opportunities.created_at is null
            or first_opportunities.created_at >= lists.listed_at
    ),

    deeds_of_90_days as (
        select
            unconverted.list_on,
            unconverted.is_current,
            unconverted.person_id,
            deeds.occurred_at,
            deeds.session_id,
            deeds.stage_number,
            deeds.occurred_at
            >= {{ dbt.dateadd("day", -30, "unconverted.listed_at") }} as is_of_30_days,
            deeds.occurred_at
            >= {{ dbt.dateadd("day", -60, "unconverted.listed_at") }} as is_of_60_days
        from unconverted
        inner join deeds on unconverted.person_id = deeds.person_id
        where
            deeds.occurred_at < unconverted.listed_at
            and deeds.occurred_at
            >= {{ dbt.dateadd("day", -90, "unconverted.listed_at") }}
    ),

    summed as (
        select
            list_on,
            is_current,
            person_id,
            count(distinct session_id) as sessions_90d,
            count(distinct case when is_of_30_days then session_id end) as sessions_30d,
            max(case when session_id is not null then occurred_at end) as last_visit_at,
            sum(case when is_of_30_days then stage_number else 0 end) as ripeness,
            sum(
                case
                    when is_of_60_days and not is_of_30_days then stage_number else 0
                end
            ) as ripeness_before
        from deeds_of_90_days
        group by list_on, is_current, person_id
    )

select
    {{
        surrogate_key(
            ["unconverted.list_on", "unconverted.is_current", "unconverted.person_id"]
        )
    }} as followed_id,
    unconverted.list_on,
    unconverted.is_current,
    unconverted.person_id,
    unconverted.lead_month,
    cast(coalesce(summed.sessions_30d, 0) as bigint) as sessions_30d,
    cast(coalesce(summed.sessions_90d, 0) as bigint) as sessions_90d,
    summed.last_visit_at,
    cast(coalesce(summed.ripeness, 0) as bigint) as ripeness,
    cast(coalesce(summed.ripeness_before, 0) as bigint) as ripeness_before,
    coalesce(
        summed.sessions_30d > 0 and summed.ripeness > summed.ripeness_before, false
    ) as is_ripening,
    -- a year of lists may still wait for what comes of them
    coalesce(
        unconverted.opportunity_at
        < {{ dbt.dateadd("day", 90, "unconverted.listed_at") }},
        false
    ) as has_opportunity_in_90d,
    {{ dbt.dateadd("day", 90, "unconverted.listed_at") }}
    <= {{ as_of_end() }} as is_judged
from unconverted
left join
    summed
    on unconverted.list_on = summed.list_on
    and unconverted.is_current = summed.is_current
    and unconverted.person_id = summed.person_id
