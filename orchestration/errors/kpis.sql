-- How far each KPI of a month is from its true value, as a share of it; n is months.
with
    marts as (
        unpivot (
            select
                month,
                cast(visitors as double) as visitors,
                cast(form_passes as double) as form_passes,
                cast(leads_person as double) as leads_person,
                cast(leads_new as double) as leads_new,
                cast(opportunities as double) as opportunities,
                cast(orders as double) as orders,
                cast(revenue_jpy as double) as revenue_jpy,
                action_rate_literal,
                action_rate_person,
                action_rate_new,
                opp_rate_period
            from reporting.rpt_kpis_monthly
        )
        on columns (* exclude (month))
        into name kpi value value
    ),
    errors as (
        select
            truths.kpi,
            case
                when coalesce(marts.value, 0) = truths.value
                then 0
                when truths.value = 0
                then 1
                else abs(coalesce(marts.value, 0) - truths.value) / abs(truths.value)
            end as error
        from truth.kpis as truths
        left join marts on truths.month = marts.month and truths.kpi = marts.kpi
        where truths.value is not null and truths.month <= getvariable('as_of')
    )
select kpi || '_error_mean' as measure, null as trouble, avg(error) as value, count(*) as n
from errors
group by kpi
union all
select kpi || '_error_worst', null, max(error), count(*) from errors group by kpi
