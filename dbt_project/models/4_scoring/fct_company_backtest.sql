{# Which way of adding up the people of a company would have found its orders. #}
with

    companies_scored as (select * from {{ ref("int_company_backtest") }}),
    aggregations as (select * from {{ ref("company_aggregations") }}),
    ranked as ({{ outcomes_ranked("companies_scored", "company_id") }}),
    judged as ({{ ranks_judged("ranked") }})

select
    judged.score_kind as aggregation,
    aggregations.name_ja,
    aggregations.name_en,
    judged.outcome,
    judged.horizon_days,
    judged.cut_on,
    judged.scored as companies,
    judged.hits,
    judged.is_enough,
    judged.auc,
    judged.auc_low,
    judged.auc_high,
    judged.auc_standard_error,
    judged.auc_shuffled,
    judged.found_in_top_tenth,
    judged.lift_in_top_tenth
from judged
inner join aggregations on judged.score_kind = aggregations.aggregation
