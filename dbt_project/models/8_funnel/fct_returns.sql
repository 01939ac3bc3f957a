{#
  K13, K14: from cost to lead, deal, order and margin, by campaign, channel, form kind, product, sales unit and month of
  the lead. In every cut the costs, orders, revenue and margin add up to the ledgers to the yen: (none) holds what the cut
  does not explain. All amounts are in yen, the only currency that costs and orders are kept in.
#}
{%- set cuts = ["campaign", "channel", "form_kind", "product", "unit", "cohort"] %}
with

    lead_costs as (select * from {{ ref("fct_lead_costs") }}),

    leads as (select * from {{ ref("int_leads_acquired") }}),

    form_passes as (select * from {{ ref("fct_form_passes") }}),

    opportunities as (select * from {{ ref("fct_opportunities") }}),

    orders as (select * from {{ ref("fct_orders") }}),

    routes as (select * from {{ ref("fct_lead_routes") }}),

    roi as (select * from {{ ref("fct_roi") }}),

    first_products as (
        select person_id, min_by(product_id, passed_at) as product_id
        from form_passes
        where is_new_lead
        group by person_id
    ),

    routes_ranked as (
        select
            person_id,
            owner_unit_id,
            row_number() over (
                partition by person_id order by routed_at desc, route_id
            ) as newest_first
        from routes
    ),

    people as (
        select
            leads.person_id,
            leads.form_kind,
            cast(leads.lead_month as {{ dbt.type_string() }}) as cohort,
            first_products.product_id,
            routes_ranked.owner_unit_id
        from leads
        left join first_products on leads.person_id = first_products.person_id
        left join
            routes_ranked
            on leads.person_id = routes_ranked.person_id
            and routes_ranked.newest_first = 1
    ),

    {%- set nothing = "0, 0, 0, 0, 0" %}
    lines as (
        select
            person_id,
            campaign_id,
            cast(null as {{ dbt.type_string() }}) as product_id,
            cast(date_trunc('month', first_cost_on) as date) as month,
            case when cost_kind = 'media' then cost_jpy else 0 end as cost_media_jpy,
            case when cost_kind = 'event' then cost_jpy else 0 end as cost_event_jpy,
            case when cost_kind = 'labour' then cost_jpy else 0 end as cost_labour_jpy,
            cost_jpy,
            0 as leads,
            0 as opportunities,
            0 as orders,
            cast(0 as decimal(18, 2)) as revenue_jpy,
            cast(0 as decimal(18, 2)) as margin_jpy
        from lead_costs
        union all
        select person_id, campaign_id, null, lead_month, 0, 0, 0, 0, 1, 0, 0, 0, 0
        from leads
        union all
        select
            person_id, campaign_id, product_id, created_month, 0, 0, 0, 0, 0, 1, 0, 0, 0
        from opportunities
        union all
        select
            person_id,
            campaign_id,
            product_id,
            ordered_month,
            0,
            0,
            0,
            0,
            0,
            0,
            1,
            coalesce(amount_jpy, 0),
            coalesce(gross_margin_jpy, 0)
        from orders
    ),

    lines_told as (
        select
            lines.*,
            coalesce(lines.campaign_id, '(none)') as campaign,
            coalesce(roi.channel, '(none)') as channel,
            coalesce(people.form_kind, '(none)') as form_kind,
            coalesce(lines.product_id, people.product_id, '(none)') as product,
            coalesce(people.owner_unit_id, '(none)') as unit,
            -- costs that brought nobody stay with their own month
            coalesce(
                people.cohort,
                case
                    when lines.person_id is null and lines.cost_jpy <> 0
                    then cast(lines.month as {{ dbt.type_string() }})
                end,
                '(none)'
            ) as cohort
        from lines
        left join people on lines.person_id = people.person_id
        left join roi on lines.campaign_id = roi.campaign_id
    ),

    returns as (
        {%- for cut in cuts %}
            select
                '{{ cut }}' as cut,
                {{ cut }} as member_id,
                cast(sum(cost_media_jpy) as decimal(18, 2)) as cost_media_jpy,
                cast(sum(cost_event_jpy) as decimal(18, 2)) as cost_event_jpy,
                cast(sum(cost_labour_jpy) as decimal(18, 2)) as cost_labour_jpy,
                cast(sum(cost_jpy) as decimal(18, 2)) as cost_jpy,
                cast(sum(leads) as bigint) as leads,
                cast(sum(opportunities) as bigint) as opportunities,
                cast(sum(orders) as bigint) as orders,
                cast(sum(revenue_jpy) as decimal(18, 2)) as revenue_jpy,
                cast(sum(margin_jpy) as decimal(18, 2)) as margin_jpy
            from lines_told
            group by {{ cut }}
            {% if not loop.last %}
                union all
            {% endif %}
        {%- endfor %}
    )

select
    {{ surrogate_key(["cut", "member_id"]) }} as return_id,
    cut,
    member_id,
    'JPY' as currency,
    cost_media_jpy,
    cost_event_jpy,
    cost_labour_jpy,
    cost_jpy,
    leads,
    opportunities,
    orders,
    revenue_jpy,
    margin_jpy,
    -- two years are how long buying takes; a younger cohort has not paid back yet
    case
        when cut = 'cohort' and member_id <> '(none)'
        then
            {{
                dbt.dateadd(
                    "month",
                    var("cohort_months") + 1,
                    "cast(nullif(member_id, '(none)') as date)",
                )
            }} <= {{ dbt.dateadd("day", 1, as_of_date()) }}
    end as is_mature
from returns
