{#
  K27: what the diagnosis of the funnel looks at: the last three whole months, the three before them, and of opportunity
  rates the last three cohorts that are three months old. Changes are ratios: 1.1 is a tenth more.
#}
{%- set day = as_of_day() + modules.datetime.timedelta(days=1) -%}
{%- set n = day.year * 12 + day.month - 1 -%}
{#- first days of months: 0 is the first that is not over yet -#}
{%- set month_before = {} -%}
{%- for months in [0, 1, 3, 6] -%}
    {%- set first = "%04d-%02d-01" | format(
        (n - months) // 12, (n - months) % 12 + 1
    ) -%}
    {%- do month_before.update({months: "cast('" ~ first ~ "' as date)"}) -%}
{%- endfor %}
with

    kpi_daily as (select * from {{ ref("fct_kpi_daily") }}),

    cohorts as (
        select * from {{ ref("fct_cohorts") }} where age_months = 3 and is_mature
    ),

    opportunities as (select * from {{ ref("fct_opportunities") }}),

    handoffs as (select * from {{ ref("fct_handoffs") }}),

    amounts as (select * from {{ ref("fct_kpi_amounts") }} where segment_kind = 'all'),

    windows as (
        select
            'now' as place,
            {{ month_before[3] }} as from_month,
            {{ month_before[0] }} as to_month
        union all
        select 'before', {{ month_before[6] }}, {{ month_before[3] }}
    ),

    counted as (
        select
            windows.place,
            cast(sum(kpi_daily.visitors) as double) as visitors,
            cast(sum(kpi_daily.leads_new) as double) as leads,
            cast(sum(kpi_daily.opportunities) as double) as opportunities
        from windows
        inner join
            kpi_daily
            on kpi_daily.kpi_month >= windows.from_month
            and kpi_daily.kpi_month < windows.to_month
        group by windows.place
    ),

    months as (
        select
            max(case when place = 'now' then visitors end) as visitors,
            max(case when place = 'before' then visitors end) as visitors_before,
            max(case when place = 'now' then leads end) as leads,
            max(case when place = 'before' then leads end) as leads_before,
            max(case when place = 'now' then opportunities end) as opportunities
        from counted
    ),

    cohorts_ranked as (
        select *, row_number() over (order by cohort_month desc) as newest_first
        from cohorts
    ),

    rates as (
        select
            cast(sum(case when newest_first <= 3 then opportunities_cum end) as double)
            / nullif(sum(case when newest_first <= 3 then leads end), 0) as rate,
            cast(
                sum(
                    case when newest_first between 4 and 6 then opportunities_cum end
                ) as double
            ) / nullif(
                sum(case when newest_first between 4 and 6 then leads end), 0
            ) as rate_before
        from cohorts_ranked
    ),

    waits as (
        select
            months_to_opportunity,
            row_number() over (order by months_to_opportunity, opportunity_id) as place,
            count(*) over () as deals
        from opportunities
        where
            months_to_opportunity is not null
            and created_month >= {{ month_before[3] }}
            and created_month < {{ month_before[0] }}
    ),

    lags as (
        select
            -- the smallest wait that half of the deals do not exceed
            cast(
                min(
                    case when place >= 0.5 * deals then months_to_opportunity end
                ) as double
            ) as months,
            cast(count(*) filter (where months_to_opportunity > 6) as double)
            / nullif(count(*), 0) as late_share
        from waits
    ),

    followed as (
        select
            cast(count(*) filter (where state = 'routed') as double)
            / nullif(count(*), 0) as unfollowed_share
        from handoffs
        where
            {{ local_month("routed_at") }} >= {{ month_before[3] }}
            and {{ local_month("routed_at") }} < {{ month_before[0] }}
    ),

    targets as (
        select
            cast(
                sum(
                    case when measure = 'leads_off_target' then amount else 0 end
                ) as double
            ) / nullif(
                cast(sum(case when measure = 'leads_judged' then amount end) as double),
                0
            ) as off_target_share
        from amounts
        where period >= {{ month_before[3] }} and period < {{ month_before[0] }}
    ),

    facts as (
        {%- for fact, expression in {
            "visitors": "months.visitors",
            "visitors_change": "months.visitors / nullif(months.visitors_before, 0)",
            "leads": "months.leads",
            "action_rate": "months.leads / nullif(months.visitors, 0)",
            "action_rate_change": "months.leads / nullif(months.visitors, 0) / nullif(months.leads_before / nullif(months.visitors_before, 0), 0)",
            "opportunities": "months.opportunities",
            "opportunity_rate": "rates.rate",
            "opportunity_rate_change": "rates.rate / nullif(rates.rate_before, 0)",
            "lag_months": "lags.months",
            "late_share": "lags.late_share",
            "off_target_share": "targets.off_target_share",
            "unfollowed_share": "followed.unfollowed_share",
        }.items() %}
            select '{{ fact }}' as fact_id, cast({{ expression }} as double) as value
            from months
            cross join rates
            cross join lags
            cross join targets
            cross join followed
            {% if not loop.last %}
                union all
            {% endif %}
        {%- endfor %}
    )

select
    fact_id,
    value,
    {{ month_before[3] }} as months_from,
    {{ month_before[1] }} as months_to
from facts
