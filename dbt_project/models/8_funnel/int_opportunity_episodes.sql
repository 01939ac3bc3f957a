with

    leads as (select * from {{ ref("int_leads_acquired") }}),

    opportunities as (select * from {{ ref("fct_opportunities") }}),

    first_opportunities as (
        select person_id, created_at from opportunities where is_first_of_lead
    ),

    -- watched from the first form pass to the first deal, or to the as-of day
    episodes as (
        select
            leads.person_id,
            leads.lead_month as cohort_month,
            first_opportunities.person_id is not null as is_event,
            cast(
                greatest(
                    {{
                        dbt.datediff(
                            "leads.lead_on",
                            "coalesce("
                            ~ local_date("first_opportunities.created_at")
                            ~ ", "
                            ~ as_of_date()
                            ~ ")",
                            "day",
                        )
                    }},
                    0
                ) as integer
            ) as duration_days
        from leads
        left join first_opportunities on leads.person_id = first_opportunities.person_id
    )

select *
from episodes
