{#- What cannot be told from so few says so: `too_few` is a word of the locales (件数不足). -#}
{%- set told = {
    "auc_told": "cast(cast(auc as decimal(9, 3)) as "
    ~ dbt.type_string()
    ~ ")",
    "found_told": "cast(cast(100 * found_in_top_tenth as decimal(9, 1)) as "
    ~ dbt.type_string()
    ~ ") || '%'",
    "lift_told": "cast(cast(lift_in_top_tenth as decimal(9, 1)) as "
    ~ dbt.type_string()
    ~ ")",
    "shuffled_told": "cast(cast(auc_shuffled as decimal(9, 3)) as "
    ~ dbt.type_string()
    ~ ")",
} -%}

with

    backtest as (select * from {{ ref("fct_score_backtest") }}),

    told as (
        select
            score_kind,
            outcome,
            horizon_days,
            cut_on,
            people,
            hits,
            {% for column, text in told.items() %}
                case when is_enough then {{ text }} else 'too_few' end as {{ column }},
            {% endfor %}
            auc,
            found_in_top_tenth
        from backtest
    )

select *
from told
