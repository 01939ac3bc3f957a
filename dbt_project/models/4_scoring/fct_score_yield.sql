{# If the first so many in the order of their scores had been called: how many of the later opportunities and orders
   were among them. #}
with

    ranked as (select * from {{ ref("int_backtest_ranked") }} where not is_shuffled),

    steps as (
        {% for percent in range(5, 101, 5) %}
            select {{ percent }} as called_pct
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    added_up as (
        select
            ranked.score_kind,
            ranked.outcome,
            ranked.horizon_days,
            ranked.cut_on,
            steps.called_pct,
            cast(
                count(*) filter (
                    where ranked.place <= ranked.scored * steps.called_pct / 100.0
                ) as bigint
            ) as called,
            cast(
                count(*) filter (
                    where
                        ranked.is_hit
                        and ranked.place <= ranked.scored * steps.called_pct / 100.0
                ) as bigint
            ) as found,
            cast(count(*) filter (where ranked.is_hit) as bigint) as hits
        from ranked
        cross join steps
        group by
            ranked.score_kind,
            ranked.outcome,
            ranked.horizon_days,
            ranked.cut_on,
            steps.called_pct
    )

select
    *,
    hits >= {{ var("fewest_outcomes") }} as is_enough,
    case
        when hits >= {{ var("fewest_outcomes") }}
        then cast(found as double) / nullif(hits, 0)
    end as found_share,
    case
        when hits >= {{ var("fewest_outcomes") }}
        then cast(found as double) / nullif(called, 0)
    end as rate_of_called
from added_up
