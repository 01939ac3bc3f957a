with

    yields as (select * from {{ ref("fct_score_yield") }}),

    steps as (
        select
            score_kind,
            outcome,
            horizon_days,
            cut_on,
            called_pct,
            called,
            found,
            hits,
            is_enough,
            found_share,
            rate_of_called,
            cast(called_pct as double) / 100 as chance_share
        from yields
    )

select *
from steps
