{# The days for which scores are worked out: the as-of day, the weeks of the curve, the cuts of the
   back-test, and the months that what-if judges. #}
{%- set today = as_of_day() -%}
{%- set horizons = var("backtest_horizons_days") -%}
{%- set weeks = range(1, var("score_curve_weeks") + 1) -%}

with

    days as (
        select {{ as_of_date() }} as scored_on, 'as_of' as day_use, 0 as horizon_days
        {% for week in weeks %}
            union all
            select
                cast(
                    '{{ today - modules.datetime.timedelta(days=7 * week) }}' as date
                ) as scored_on,
                'curve' as day_use,
                0 as horizon_days
        {% endfor %}
        {% for month in range(1, var("score_history_months") + 1) %}
            union all
            select
                cast(
                    '{{ today - modules.datetime.timedelta(days=30 * month) }}' as date
                ) as scored_on,
                'month' as day_use,
                0 as horizon_days
        {% endfor %}
        {% for horizon in horizons %}
            union all
            select
                cast(
                    '{{ today - modules.datetime.timedelta(days=horizon) }}' as date
                ) as scored_on,
                'cut' as day_use,
                {{ horizon }} as horizon_days
        {% endfor %}
    )

select *
from days
