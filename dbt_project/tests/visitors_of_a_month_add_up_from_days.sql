{#
  What fails: a month whose visitors, added up from fct_kpi_daily, are not its distinct visitors.
  Why it matters: the action rate divides by them; counting a returning visitor once a day would make the rate of a
  site with loyal readers look worse than that of one nobody comes back to.
#}
with

    kpi_daily as (select * from {{ ref("fct_kpi_daily") }}),

    visits as (select * from {{ ref("fct_visits") }}),

    added_up as (
        select kpi_month as month, sum(visitors) as visitors
        from kpi_daily
        group by kpi_month
    ),

    counted as (
        select visited_month as month, count(distinct visitor_id) as visitors
        from visits
        where is_counted
        group by visited_month
    )

select added_up.month, added_up.visitors, counted.visitors as distinct_visitors
from added_up
left join counted on added_up.month = counted.month
where added_up.visitors <> coalesce(counted.visitors, 0)
