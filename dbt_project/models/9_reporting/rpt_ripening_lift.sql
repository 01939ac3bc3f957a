{#
  K21: the list against its random control, by month and over all months whose 90 days are over. The interval is that of
  a ratio of two shares; below fewest_outcomes hits it says nothing and is empty.
#}
with

    ripening as (
        select * from {{ ref("fct_ripening") }} where is_judged and not is_current
    ),

    counted as (
        select
            cast(list_month as {{ dbt.type_string() }}) as list_month,
            cast(count(*) filter (where group_kind = 'listed') as double) as listed,
            cast(
                count(*) filter (
                    where group_kind = 'listed' and has_opportunity_in_90d
                ) as double
            ) as listed_hits,
            cast(count(*) filter (where group_kind = 'control') as double) as control,
            cast(
                count(*) filter (
                    where group_kind = 'control' and has_opportunity_in_90d
                ) as double
            ) as control_hits
        from ripening
        group by list_month
    ),

    with_all as (
        select *
        from counted
        union all
        select 'all', sum(listed), sum(listed_hits), sum(control), sum(control_hits)
        from counted
        having count(*) > 0
    ),

    judged as (
        select
            *,
            listed_hits + control_hits >= {{ var("fewest_outcomes") }}
            and control > 0
            and listed > 0 as is_enough
        from with_all
    )

select
    list_month,
    cast(listed as bigint) as listed,
    cast(listed_hits as bigint) as listed_hits,
    cast(control as bigint) as control,
    cast(control_hits as bigint) as control_hits,
    listed_hits / nullif(listed, 0) as listed_rate,
    control_hits / nullif(control, 0) as control_rate,
    is_enough,
    case
        when is_enough
        then {{ risk_ratio("listed_hits", "listed", "control_hits", "control", 0) }}
    end as lift,
    case
        when is_enough
        then {{ risk_ratio("listed_hits", "listed", "control_hits", "control", -1) }}
    end as lift_low,
    case
        when is_enough
        then {{ risk_ratio("listed_hits", "listed", "control_hits", "control", 1) }}
    end as lift_high
from judged
