with

    stages as (select * from {{ ref("stg_crm__opportunity_stages") }}),
    opportunities as (select * from {{ ref("stg_crm__opportunities") }}),
    owners as (select * from {{ ref("stg_crm__owners") }}),

    -- Two stages of one moment stand in the order of their names, for want of another.
    stages_in_order as (
        select
            row_key,
            opportunity_id,
            stage,
            entered_at,
            lead(entered_at) over (
                partition by opportunity_id order by entered_at, stage
            ) as left_at,
            lead(stage) over (
                partition by opportunity_id order by entered_at, stage
            ) as next_stage
        from stages
    )

select
    stages_in_order.row_key,
    stages_in_order.opportunity_id,
    stages_in_order.stage,
    stages_in_order.entered_at,
    stages_in_order.left_at,
    stages_in_order.next_stage,
    cast(
        {{
            dbt.datediff(
                local_date("stages_in_order.entered_at"),
                local_date("stages_in_order.left_at"),
                "day",
            )
        }} as bigint
    ) as days_in_stage,
    opportunities.owner_id,
    owners.owner_name,
    owners.unit_id as owner_unit_id
from stages_in_order
left join opportunities on stages_in_order.opportunity_id = opportunities.opportunity_id
left join owners on opportunities.owner_id = owners.owner_id
