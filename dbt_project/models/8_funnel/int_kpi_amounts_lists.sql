{# How good the data are that all else stands on: lists, profiles, identities, and what the stock is worth. #}
{%- set people_measures = {
    "list_size": "true",
    "list_reachable": "is_reachable",
    "list_fresh": "is_fresh",
    "list_consented": "is_consented",
    "usable_list_size": "is_usable",
} %}
{%- set profile_measures = {
    "people_known": "true",
    "department_known": "is_department_known",
    "position_known": "is_position_known",
    "profile_complete": "has_minimal_profile",
    "due_for_check": "is_due_for_check",
    "department_categorised": "department_category is not null and department_category <> 'unknown'",
} %}
with

    list_people as (select * from {{ ref("fct_list_people") }}),

    people as (select * from {{ ref("dim_people") }} where not is_internal),

    review_queue as (select * from {{ ref("review_queue") }}),

    records as (select * from {{ ref("record_identifiers") }}),

    person_identifiers as (select * from {{ ref("person_identifiers") }}),

    assets as (select * from {{ ref("fct_lead_assets") }}),

    orders as (select * from {{ ref("fct_orders") }}),

    -- records of people (cards, forms, CRM leads), and how many people they are
    recorded as (
        select
            count(distinct records.row_key) as records,
            count(distinct person_identifiers.person_id) as people
        from records
        inner join
            person_identifiers on records.identifier = person_identifiers.identifier
        where records.source in ('forms', 'lists', 'crm')
    ),

    -- the two parts of an interval, as in fct_lead_assets
    chances as (
        select
            cast(
                sum(case when is_first_band then chance_24m else 0 end) as double
            ) as expected,
            cast(
                sum(
                    case
                        when is_first_band
                        then cast(chance_24m * (1 - chance_24m) as decimal(24, 12))
                        else 0
                    end
                ) as double
            ) as variance_of_chance
        from assets
    ),

    by_rate as (
        select
            standing,
            from_month,
            cast(sum(sensitivity) as double) as sensitivity,
            cast(max(rate_variance) as double) as rate_variance
        from assets
        group by standing, from_month
    ),

    stock as (
        select
            chances.expected,
            1.959964 * sqrt(
                chances.variance_of_chance + (
                    select
                        coalesce(
                            cast(
                                sum(
                                    cast(
                                        sensitivity
                                        * sensitivity
                                        * rate_variance as decimal(30, 12)
                                    )
                                ) as double
                            ),
                            0
                        )
                    from by_rate
                )
            ) as half_width
        from chances
    ),

    margins as (
        select
            cast(sum(coalesce(gross_margin_jpy, 0)) as double)
            / nullif(count(*), 0) as margin_jpy
        from orders
    ),

    valued as (
        select
            'mid' as bound,
            stock.expected as orders,
            stock.expected * coalesce(margins.margin_jpy, 0) as margin_jpy
        from stock
        cross join margins
        union all
        select
            'low',
            greatest(stock.expected - stock.half_width, 0),
            greatest(stock.expected - stock.half_width, 0)
            * coalesce(margins.margin_jpy, 0)
        from stock
        cross join margins
        union all
        select
            'high',
            stock.expected + stock.half_width,
            (stock.expected + stock.half_width) * coalesce(margins.margin_jpy, 0)
        from stock
        cross join margins
    )

{%- for measure, condition in people_measures.items() %}
    select
        '{{ measure }}' as measure,
        {{ as_of_date() }} as period,
        case when list_name = '(all)' then 'all' else 'list' end as segment_kind,
        case when list_name = '(all)' then 'all' else list_name end as segment_id,
        count(*) filter (where {{ condition }}) as amount
    from list_people
    group by list_name
    union all
{%- endfor %}
{%- for measure, condition in profile_measures.items() %}
    select
        '{{ measure }}',
        {{ as_of_date() }},
        'all',
        'all',
        count(*) filter (where {{ condition }})
    from people
    union all
{%- endfor %}
select 'records_of_people', {{ as_of_date() }}, 'all', 'all', records
from recorded
union all
select 'records_of_known', {{ as_of_date() }}, 'all', 'all', records - people
from recorded
union all
select 'review_queue_size', {{ as_of_date() }}, 'all', 'all', count(*)
from review_queue
union all
select
    'expected_orders_24m',
    {{ as_of_date() }},
    case when bound = 'mid' then 'all' else 'interval' end,
    case when bound = 'mid' then 'all' else bound end,
    cast(orders as decimal(24, 6))
from valued
where orders is not null
union all
select
    'lead_asset_value',
    {{ as_of_date() }},
    case when bound = 'mid' then 'all' else 'interval' end,
    case when bound = 'mid' then 'all' else bound end,
    cast(margin_jpy as decimal(24, 2))
from valued
where orders is not null
