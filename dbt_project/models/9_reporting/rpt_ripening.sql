{#
  Today's ripening list, and earlier ones with what became of them; whom to call is of group listed only. place goes by
  chance alone, place_by_value by the margin to be expected: the chance of an opportunity times what an opportunity of the
  person's industry has brought so far (of all industries, where too few had one).
#}
with

    ripening as (select * from {{ ref("fct_ripening") }}),

    people as (select * from {{ ref("dim_people") }}),

    opportunities as (select * from {{ ref("fct_opportunities") }}),

    orders as (select * from {{ ref("fct_orders") }}),

    deals as (
        select person_id, 1 as opportunities, cast(0 as decimal(18, 2)) as margin_jpy
        from opportunities
        where person_id is not null
        union all
        select person_id, 0, coalesce(gross_margin_jpy, 0)
        from orders
        where person_id is not null
    ),

    worth as (
        select
            people.industry,
            sum(deals.opportunities) as opportunities,
            sum(deals.margin_jpy) as margin_jpy
        from deals
        inner join people on deals.person_id = people.person_id
        group by people.industry
    ),

    worth_of_all as (
        select
            cast(sum(margin_jpy) as double)
            / nullif(sum(opportunities), 0) as margin_jpy
        from worth
    ),

    valued as (
        select
            ripening.*,
            people.display_name,
            people.company_name,
            cast(
                round(
                    ripening.chance_90d * coalesce(
                        case
                            when worth.opportunities >= {{ var("fewest_people") }}
                            then cast(worth.margin_jpy as double) / worth.opportunities
                        end,
                        worth_of_all.margin_jpy
                    )
                ) as decimal(18, 0)
            ) as expected_margin_jpy
        from ripening
        inner join people on ripening.person_id = people.person_id
        cross join worth_of_all
        left join worth on people.industry = worth.industry
    )

select
    ripening_id,
    list_month,
    list_on,
    is_current,
    place,
    cast(
        row_number() over (
            partition by list_on, is_current
            order by expected_margin_jpy desc nulls last, place
        ) as bigint
    ) as place_by_value,
    person_id,
    display_name,
    company_name,
    group_kind,
    ripeness,
    ripeness_before,
    sessions_30d,
    sessions_90d,
    last_visit_at,
    people_before,
    chance_90d,
    expected_margin_jpy,
    has_opportunity_in_90d as has_opportunity
from valued
