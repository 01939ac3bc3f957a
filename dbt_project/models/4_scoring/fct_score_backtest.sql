{# The scores of people held against what they did since. #}
with

    ranked as (select * from {{ ref("int_backtest_ranked") }}),
    judged as ({{ ranks_judged("ranked") }})

select
    score_kind,
    outcome,
    horizon_days,
    cut_on,
    scored as people,
    hits,
    is_enough,
    auc,
    auc_standard_error,
    auc_low,
    auc_high,
    auc_shuffled,
    found_in_top_tenth,
    lift_in_top_tenth,
    case
        when score_kind = 'timing' and outcome = 'opportunity' and horizon_days <= 90
        then brier_score
    end as brier_score
from judged
