with

    leads as (select * from {{ ref("int_leads_acquired") }}),

    opportunities as (select * from {{ ref("fct_opportunities") }}),

    orders as (select * from {{ ref("fct_orders") }}),

    first_opportunities as (
        select person_id, created_at as happened_at, months_to_opportunity
        from opportunities
        where is_first_of_lead
    ),

    first_orders as (
        select person_id, min(ordered_at) as happened_at
        from orders
        where is_after_lead
        group by person_id
    ),

    -- months are those of the wall calendar where the company is
    outcomes_local as (
        select
            leads.person_id,
            leads.lead_month,
            first_opportunities.months_to_opportunity,
            {{ local_timestamp("leads.lead_at") }} as lead_at,
            {{ local_timestamp("first_opportunities.happened_at") }} as opportunity_at,
            {{ local_timestamp("first_orders.happened_at") }} as order_at
        from leads
        left join first_opportunities on leads.person_id = first_opportunities.person_id
        left join first_orders on leads.person_id = first_orders.person_id
    ),

    months_begun as (
        select
            *,
            {{ dbt.datediff("lead_at", "opportunity_at", "month") }}
            as opportunity_months,
            {{ dbt.datediff("lead_at", "order_at", "month") }} as order_months
        from outcomes_local
    ),

    -- age 1: before the same day and hour of the next month; and so on
    outcomes as (
        select
            person_id,
            lead_month,
            months_to_opportunity,
            cast(
                case
                    when opportunity_at < lead_at
                    then 1
                    when
                        opportunity_at
                        < {{ dbt.dateadd("month", "opportunity_months", "lead_at") }}
                    then opportunity_months
                    else opportunity_months + 1
                end as integer
            ) as opportunity_age_months,
            cast(
                case
                    when order_at < lead_at
                    then 1
                    when
                        order_at < {{ dbt.dateadd("month", "order_months", "lead_at") }}
                    then order_months
                    else order_months + 1
                end as integer
            ) as order_age_months
        from months_begun
    )

select *
from outcomes
