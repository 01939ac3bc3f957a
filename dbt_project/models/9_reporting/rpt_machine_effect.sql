{# What each rule takes out of each KPI, by month; rule_id 'all' is all of them together. #}
with

    sessions as (select * from {{ ref("fct_sessions") }}),
    touches as (select * from {{ ref("fct_touches") }}),
    touch_types as (select * from {{ ref("touch_types") }}),
    rules as (select * from {{ ref("machine_rules_in_force") }}),

    -- A visitor counts once a month, and among people's if any of its visits is one.
    visitors as (
        select
            {{ local_month("started_at") }} as month,
            visitor_id,
            case
                when min(case when is_machine then 1 else 0 end) = 1
                then min(machine_rule_id)
            end as machine_rule_id
        from sessions
        group by {{ local_month("started_at") }}, visitor_id
    ),

    deeds as (
        select month, 'visitors' as kpi, machine_rule_id
        from visitors
        union all
        select
            {{ local_month("started_at") }} as month, 'sessions' as kpi, machine_rule_id
        from sessions
        union all
        select
            {{ local_month("touches.occurred_at") }} as month,
            case
                when touch_types.is_form_pass
                then 'form_passes'
                when touches.source = 'web'
                then 'page_views'
                when touches.touch_type = 'email_opened'
                then 'email_opens'
                else 'email_clicks'
            end as kpi,
            touches.machine_rule_id
        from touches
        inner join touch_types on touches.touch_type = touch_types.touch_type
        where
            touch_types.is_form_pass
            or touches.source = 'web'
            or touches.touch_type in ('email_opened', 'email_clicked')
    ),

    counted as (
        select month, kpi, machine_rule_id, cast(count(*) as bigint) as amount
        from deeds
        group by month, kpi, machine_rule_id
    ),

    totals as (
        select
            month,
            kpi,
            cast(sum(amount) as bigint) as with_machines,
            cast(
                coalesce(
                    sum(case when machine_rule_id is not null then amount end), 0
                ) as bigint
            ) as removed
        from counted
        group by month, kpi
    ),

    effects as (
        select month, kpi, 'all' as rule_id, with_machines, removed
        from totals
        union all
        select
            counted.month,
            counted.kpi,
            counted.machine_rule_id as rule_id,
            totals.with_machines,
            counted.amount as removed
        from counted
        inner join totals on counted.month = totals.month and counted.kpi = totals.kpi
        where counted.machine_rule_id is not null
    )

select
    effects.month,
    effects.kpi,
    effects.rule_id,
    coalesce(rules.name_ja, 'すべての規則') as rule_name_ja,
    coalesce(rules.name_en, 'all rules') as rule_name_en,
    effects.with_machines,
    effects.with_machines - effects.removed as without_machines,
    effects.removed,
    cast(effects.removed as double) / nullif(effects.with_machines, 0) as removed_share
from effects
left join rules on effects.rule_id = rules.rule_id
