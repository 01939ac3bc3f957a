{#
  K12: the ripening list of each month, the ripest first. A share of them (ripening_control_pct), drawn by the hash of
  person and month, is held out, so that the list can prove its own lift. chance_90d is what became of the people of the
  same ripeness on earlier lists.
#}
{%- set control_below = "%03x" % ((4096 * var("ripening_control_pct") / 100) | int) %}
with

    followed as (select * from {{ ref("fct_leads_followed") }} where is_ripening),

    banded as (
        select
            *,
            case
                when ripeness >= 40
                then 4
                when ripeness >= 20
                then 3
                when ripeness >= 10
                then 2
                else 1
            end as ripeness_band,
            -- the list of today belongs to the month that it lies in
            cast(
                date_trunc(
                    'month',
                    case when is_current then {{ as_of_date() }} else list_on end
                ) as date
            ) as list_month
        from followed
    ),

    earlier as (
        select
            ripeness_band,
            count(*) as people,
            count(*) filter (where has_opportunity_in_90d) as hits
        from banded
        where is_judged and not is_current
        group by ripeness_band
    )

select
    banded.followed_id as ripening_id,
    banded.list_month,
    banded.list_on,
    banded.is_current,
    banded.person_id,
    cast(
        row_number() over (
            partition by banded.list_on, banded.is_current
            order by
                banded.ripeness desc,
                banded.sessions_30d desc,
                banded.last_visit_at desc nulls last,
                banded.person_id
        ) as bigint
    ) as place,
    case
        when
            substr(
                md5(
                    banded.person_id
                    || cast(banded.list_month as {{ dbt.type_string() }})
                ),
                1,
                3
            )
            < '{{ control_below }}'
        then 'control'
        else 'listed'
    end as group_kind,
    banded.ripeness,
    banded.ripeness_before,
    cast(banded.ripeness_band as integer) as ripeness_band,
    banded.sessions_30d,
    banded.sessions_90d,
    banded.last_visit_at,
    cast(earlier.people as bigint) as people_before,
    case
        when earlier.people >= {{ var("fewest_people") }}
        then cast(earlier.hits as double) / earlier.people
    end as chance_90d,
    banded.has_opportunity_in_90d,
    banded.is_judged
from banded
left join earlier on banded.ripeness_band = earlier.ripeness_band
