{#
  Kaplan-Meier (1958): of those still watched at an age, the share to whom nothing happens at that age, multiplied up.

  Arguments: relation with `group_column`, `duration` (whole days watched) and `is_event` (true: it happened then;
  false: we only know that it had not by then). Yields one row per group and age with an event or an end of watching:
  group, age_days, at_risk, events, censored, survival, greenwood (the sum d / (n (n - d)) of its variance).
  Who stops being watched at an age is still at risk at that age (the usual convention).
#}
{% macro kaplan_meier(relation, group_column) -%}
    select
        {{ group_column }},
        age_days,
        at_risk,
        events,
        censored,
        -- a product by logarithms; an age at which it happens to all that are left
        -- has none
        case
            when min(at_risk - events) over so_far = 0
            then cast(0 as double)
            else
                exp(
                    sum(
                        case
                            when at_risk > events
                            then ln(cast(at_risk - events as double) / at_risk)
                            else 0
                        end
                    ) over so_far
                )
        end as survival,
        sum(
            case
                when at_risk > events
                then cast(events as double) / at_risk / (at_risk - events)
                else 0
            end
        ) over so_far as greenwood
    from
        (
            select
                {{ group_column }},
                age_days,
                events,
                censored,
                cast(
                    sum(events + censored) over (
                        partition by {{ group_column }}
                        order by age_days desc
                        rows between unbounded preceding and current row
                    ) as bigint
                ) as at_risk
            from
                (
                    select
                        {{ group_column }},
                        duration_days as age_days,
                        cast(count(*) filter (where is_event) as bigint) as events,
                        cast(count(*) filter (where not is_event) as bigint) as censored
                    from {{ relation }}
                    group by {{ group_column }}, duration_days
                ) as by_age
        ) as with_risk
    window
        so_far as (
            partition by {{ group_column }}
            order by age_days
            rows between unbounded preceding and current row
        )
{%- endmacro %}

{#
  How much likelier something is in one group than in another, with the 95 % interval of Katz et al. (1978): the
  logarithm of a ratio of two shares is nearly normal. Half a hit is added on both sides (Walter 1975), so that a group
  without hits has an interval too. `part` is 0 for the ratio, -1 for the lower and 1 for the upper end.
#}
{% macro risk_ratio(hits, people, hits_of_others, others, part) -%}
    exp(
        ln(({{ hits }} + 0.5) / ({{ people }} + 0.5))
        - ln(({{ hits_of_others }} + 0.5) / ({{ others }} + 0.5))
        + {{ part }}
        * 1.959964
        * sqrt(
            1.0 / ({{ hits }} + 0.5)
            - 1.0 / ({{ people }} + 0.5)
            + 1.0 / ({{ hits_of_others }} + 0.5)
            - 1.0 / ({{ others }} + 0.5)
        )
    )
{%- endmacro %}

{#
  The lower (side = -1) or upper (side = 1) end of Wilson's 95 % interval (1927) of a share of `hits` among `people`, both
  doubles; it never leaves 0 to 1, not even for few people or for none who hit.
#}
{% macro wilson_bound(hits, people, side) -%}
    {%- set z = 1.959963984540054 -%}
    least(
        1.0,
        greatest(
            0.0,
            (
                {{ hits }}
                + {{ z * z / 2 }}
                + {{ side * z }}
                * sqrt(
                    {{ hits }} * ({{ people }} - {{ hits }}) / {{ people }}
                    + {{ z * z / 4 }}
                )
            )
            / ({{ people }} + {{ z * z }})
        )
    )
{%- endmacro %}
