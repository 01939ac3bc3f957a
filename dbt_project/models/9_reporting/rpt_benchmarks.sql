{#
  K22: what others have published, beside our own figure. A figure of ours that rests on fewer than fewest_people is
  empty: it would say nothing.
#}
{%- set year_before = "cast(" ~ dbt.dateadd("month", -12, as_of_date()) ~ " as date)" %}
with

    benchmarks as (select * from {{ ref("benchmarks") }}),

    amounts as (select * from {{ ref("fct_kpi_amounts") }} where segment_kind = 'all'),

    opportunities as (select * from {{ ref("fct_opportunities") }}),

    orders as (select * from {{ ref("fct_orders") }}),

    leads as (select * from {{ ref("fct_form_passes") }} where is_new_lead),

    rival_losses as (select * from {{ ref("fct_rival_losses") }}),

    efforts as (select * from {{ ref("fct_deal_efforts") }}),

    inquiry_paths as (select * from {{ ref("fct_inquiry_paths") }}),

    year as (
        select
            {%- for measure in [
                "visitors",
                "inquiries",
                "leads_new",
                "opportunities",
            ] %}
                coalesce(
                    sum(case when measure = '{{ measure }}' then amount end), 0
                ) as {{ measure }}
                {%- if not loop.last %}, {% endif %}
            {%- endfor %}
        from amounts
        where period > {{ year_before }}
    ),

    -- who has been a lead for as long as cohorts are followed
    leads_of_age as (
        select
            leads.person_id,
            case
                when orders.person_id is not null or rival_losses.person_id is not null
                then 1
                else 0
            end as has_bought
        from leads
        left join
            (
                select distinct person_id from orders where person_id is not null
            ) as orders
            on leads.person_id = orders.person_id
        left join rival_losses on leads.person_id = rival_losses.person_id
        where
            leads.passed_on <= cast(
                {{ dbt.dateadd("month", -1 * var("cohort_months"), as_of_date()) }}
                as date
            )
    ),

    own as (
        select
            'looking_for_information' as topic,
            cast(visitors - inquiries as double) as above,
            cast(visitors as double) as below
        from year
        union all
        select
            'buys_in_the_end', cast(sum(has_bought) as double), cast(count(*) as double)
        from leads_of_age
        union all
        select 'action_rate', cast(leads_new as double), cast(visitors as double)
        from year
        union all
        select
            'opportunity_rate', cast(opportunities as double), cast(leads_new as double)
        from year
        union all
        select
            'months',
            cast(sum(months_to_opportunity) as double),
            cast(count(months_to_opportunity) as double)
        from opportunities
        where created_month > {{ year_before }}
        union all
        select
            'contacts_before_proposal',
            cast(sum(contacts) as double),
            cast(count(*) as double)
        from efforts
        where style = 'push' and created_month > {{ year_before }}
        union all
        select
            'sessions_before_inquiry',
            cast(sum(pre_inquiry_sessions) as double),
            cast(count(*) as double)
        from inquiry_paths
        where {{ local_month("inquired_at") }} > {{ year_before }}
    )

select
    benchmarks.benchmark_id,
    cast(benchmarks.place as bigint) as place,
    benchmarks.name_ja,
    benchmarks.name_en,
    benchmarks.unit,
    cast(benchmarks.figure as double) as figure,
    case
        when own.below >= {{ var("fewest_people") }} then own.above / own.below
    end as own_figure,
    cast(coalesce(own.below, 0) as bigint) as own_n,
    benchmarks.source_ja,
    benchmarks.source_en,
    benchmarks.why
from benchmarks
left join own on benchmarks.measured_by = own.topic
