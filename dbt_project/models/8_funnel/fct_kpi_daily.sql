with

    visits as (select * from {{ ref("fct_visits") }}),

    form_passes as (select * from {{ ref("fct_form_passes") }}),

    opportunities as (select * from {{ ref("fct_opportunities") }}),

    orders as (select * from {{ ref("fct_orders") }}),

    counted as (
        select
            visited_on as kpi_on,
            'none' as form_kind,
            coalesce(channel, 'unknown') as channel,
            'visitors' as measure,
            cast(1 as decimal(18, 2)) as amount
        from visits
        where is_counted and is_first_of_month
        union all
        -- what is left out is counted too, so that nobody wonders where it went
        select
            visited_on,
            'none',
            coalesce(channel, 'unknown'),
            'visitors_' || exclusion,
            cast(1 as decimal(18, 2))
        from visits
        where not is_counted and is_first_of_month
        union all
        select
            passed_on,
            form_kind,
            channel,
            case
                when is_counted then 'form_passes' else 'form_passes_' || exclusion
            end,
            cast(1 as decimal(18, 2))
        from form_passes
        union all
        select passed_on, form_kind, channel, 'leads_person', cast(1 as decimal(18, 2))
        from form_passes
        where is_first_of_month
        union all
        select passed_on, form_kind, channel, 'leads_new', cast(1 as decimal(18, 2))
        from form_passes
        where is_new_lead
        union all
        select
            created_on, form_kind, channel, 'opportunities', cast(1 as decimal(18, 2))
        from opportunities
        where created_on is not null
        union all
        select ordered_on, form_kind, channel, 'orders', cast(1 as decimal(18, 2))
        from orders
        where ordered_on is not null
        union all
        select
            ordered_on,
            form_kind,
            channel,
            'revenue_jpy',
            cast(coalesce(amount_jpy, 0) as decimal(18, 2))
        from orders
        where ordered_on is not null
    ),

    {%- set measures = [
        "visitors",
        "visitors_machine",
        "visitors_internal",
        "form_passes",
        "form_passes_machine",
        "form_passes_internal",
        "leads_person",
        "leads_new",
        "opportunities",
        "orders",
    ] %}

    kpi_days as (
        select
            kpi_on,
            cast(date_trunc('month', kpi_on) as date) as kpi_month,
            form_kind,
            channel,
            {%- for measure in measures %}
                cast(
                    count(*) filter (where measure = '{{ measure }}') as bigint
                ) as {{ measure }},
            {%- endfor %}
            cast(
                coalesce(
                    sum(case when measure = 'revenue_jpy' then amount end), 0
                ) as decimal(18, 2)
            ) as revenue_jpy
        from counted
        group by kpi_on, form_kind, channel
    )

select *
from kpi_days
