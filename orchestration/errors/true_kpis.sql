-- The KPIs as they truly are, from what the world did: (kpi_id, period, segment_kind, segment_id, numerator,
-- denominator). The words of each definition stand in the KPI catalogue; they are read anew here. Only whole periods
-- that the as-of day knows; of cohorts only those that are old enough.
with
    clock as (select getvariable('zone') as zone, getvariable('as_of') as as_of, getvariable('as_of_end') as as_of_end),

    deeds as (
        select person_key, kind, timezone(zone, timezone('UTC', happened_at)) as local_at
        from truth.deeds, clock
        where happened_at < as_of_end
    ),

    passes as (
        select *
        from deeds
        where kind in (
            'document_request', 'seminar_application', 'newsletter_signup', 'survey_answer', 'campaign_entry',
            'inquiry', 'quote_request', 'recruit_entry'
        )
    ),

    -- job-seekers and sellers are no leads
    lead_passes as (
        select passes.*
        from passes
        inner join truth.people as people on passes.person_key = people.person_key
        where passes.kind <> 'recruit_entry' and people.kind <> 'vendor'
    ),

    leads as (
        select person_key, min(local_at) as lead_at, cast(date_trunc('month', min(local_at)) as date) as month
        from lead_passes
        group by person_key
    ),

    deals as (
        select opportunity_id, lead_id, person_key, timezone(zone, timezone('UTC', created_at)) as local_at, created_at
        from truth.opportunities, clock
        where created_at < as_of_end
    ),

    orders as (
        select person_key, timezone(zone, timezone('UTC', ordered_at)) as local_at, amount_jpy, margin_jpy
        from truth.orders, clock
        where ordered_at < as_of_end
    ),

    first_deals as (
        select deals.person_key, min(deals.local_at) as local_at
        from deals
        inner join leads on deals.person_key = leads.person_key
        where cast(deals.local_at as date) >= cast(leads.lead_at as date)
        group by deals.person_key
    ),

    first_orders as (
        select orders.person_key, min(orders.local_at) as local_at
        from orders
        inner join leads on orders.person_key = leads.person_key
        where cast(orders.local_at as date) >= cast(leads.lead_at as date)
        group by orders.person_key
    ),

    -- one letter a token: when it left, and what a human did with it
    letters as (
        select
            mid,
            any_value(person_key) as person_key,
            min(occurred_at) filter (where event = 'processed') as sent_at,
            bool_or(event = 'bounce') as is_bounced,
            bool_or(event = 'open' and is_machine is false) as is_opened,
            bool_or(event = 'click' and is_machine is false) as is_clicked
        from truth.email_events, clock
        where occurred_at < as_of_end
        group by mid
        having min(occurred_at) filter (where event = 'processed') is not null
    ),

    nurtured as (
        select distinct deals.opportunity_id
        from deals
        inner join letters on deals.person_key = letters.person_key
        where
            (letters.is_opened or letters.is_clicked)
            and letters.sent_at < deals.created_at
            and letters.sent_at >= deals.created_at - interval 90 day
    ),

    -- leads that came back or were lost, as a seller wrote
    returned as (
        select timezone(zone, timezone('UTC', happened_at)) as local_at, outcome
        from truth.activities, clock
        where happened_at < as_of_end and (outcome like '差戻し%' or outcome = '担当変更')
    ),

    contacts as (
        select deals.opportunity_id, deals.local_at, count(activities.lead_id) as contacts
        from deals
        left join truth.activities as activities
            on deals.lead_id = activities.lead_id
            and activities.happened_at < deals.created_at
            and activities.kind in ('call', 'visit', 'mail', 'seminar_attended')
        group by all
    ),

    counts as (
        select month, kpi as name, value as amount from truth.kpis where kpi = 'visitors'
        union all
        select date_trunc('month', local_at), 'form_passes', count(*) from passes group by 1
        union all
        select date_trunc('month', local_at), 'inquiries', count(*)
        from passes
        where kind in ('inquiry', 'quote_request')
        group by 1
        union all
        select date_trunc('month', local_at), 'leads_person', count(distinct person_key) from lead_passes group by 1
        union all
        select month, 'leads_new', count(*) from leads group by 1
        union all
        select date_trunc('month', local_at), 'opportunities', count(*) from deals group by 1
        union all
        select date_trunc('month', deals.local_at), 'opportunities_nurtured', count(*)
        from deals
        inner join nurtured on deals.opportunity_id = nurtured.opportunity_id
        group by 1
        union all
        select date_trunc('month', local_at), 'orders', count(*) from orders group by 1
        union all
        select date_trunc('month', local_at), 'revenue_jpy', sum(amount_jpy) from orders group by 1
        union all
        select date_trunc('month', orders.local_at), 'orders_of_old_leads', count(*)
        from orders
        inner join leads on orders.person_key = leads.person_key
        where cast(leads.lead_at as date) < cast(orders.local_at as date) - interval 6 month
        group by 1
        union all
        select date_trunc('month', cost_on), 'cost_jpy', sum(amount_jpy)
        from truth.costs, clock
        where cost_on <= as_of
        group by 1
        union all
        select month, 'budget_jpy', sum(amount_jpy) from truth.budgets group by 1
        union all
        select date_trunc('month', local_at), 'returned_leads', count(*) from returned group by 1
        union all
        select date_trunc('month', local_at), 'disputed_leads', count(*) from returned where outcome = '担当変更' group by 1
        union all
        select date_trunc('month', local_at), 'rival_losses', count(*) from returned where outcome like '%競合%' group by 1
        union all
        select date_trunc('month', local_at), 'contacts', sum(contacts) from contacts group by 1
        union all
        select leads.month, 'months_waited',
            sum(greatest(epoch(first_deals.local_at) - epoch(leads.lead_at), 0) / 86400 / 30.4375)
        from leads inner join first_deals on leads.person_key = first_deals.person_key
        group by 1
        union all
        select leads.month, 'leads_converted', count(*)
        from leads inner join first_deals on leads.person_key = first_deals.person_key
        group by 1
        union all
        (
            with monthly as (
                select date_trunc('month', timezone(zone, timezone('UTC', sent_at))) as month, letters.*
                from letters, clock
            )
            select month, 'letters', count(*) from monthly group by 1
            union all
            select month, 'letters_bounced', count(*) from monthly where is_bounced group by 1
            union all
            select month, 'letters_delivered', count(*) from monthly where not is_bounced group by 1
            union all
            select month, 'letters_opened', count(*) from monthly where is_opened group by 1
            union all
            select month, 'letters_clicked', count(*) from monthly where is_clicked group by 1
        )
    ),

    months as (
        select distinct truths.month from truth.kpis as truths, clock where truths.month <= as_of
    ),

    -- KPI, numerator, denominator, cut
    definitions (kpi_id, above, below, segment_kind, segment_id) as (
        values
            ('visitors', 'visitors', null, 'all', 'all'),
            ('form_passes', 'form_passes', null, 'all', 'all'),
            ('leads_literal', 'form_passes', null, 'all', 'all'),
            ('inquiries', 'inquiries', null, 'all', 'all'),
            ('leads_person', 'leads_person', null, 'all', 'all'),
            ('leads_new', 'leads_new', null, 'all', 'all'),
            ('opportunities', 'opportunities', null, 'all', 'all'),
            ('opportunities_nurtured', 'opportunities_nurtured', null, 'all', 'all'),
            ('orders', 'orders', null, 'all', 'all'),
            ('revenue_jpy', 'revenue_jpy', null, 'all', 'all'),
            ('cost_jpy', 'cost_jpy', null, 'all', 'all'),
            ('returned_leads', 'returned_leads', null, 'all', 'all'),
            ('disputed_leads', 'disputed_leads', null, 'all', 'all'),
            ('sends_count', 'letters', null, 'channel', 'email'),
            ('action_rate_literal', 'form_passes', 'visitors', 'all', 'all'),
            ('action_rate_person', 'leads_person', 'visitors', 'all', 'all'),
            ('action_rate_new', 'leads_new', 'visitors', 'all', 'all'),
            ('action_rate_inquiry', 'inquiries', 'visitors', 'all', 'all'),
            ('opportunity_rate_period', 'opportunities', 'leads_new', 'all', 'all'),
            ('nurtured_opportunity_share', 'opportunities_nurtured', 'opportunities', 'all', 'all'),
            ('mean_months_to_opp', 'months_waited', 'leads_converted', 'all', 'all'),
            ('old_lead_order_share', 'orders_of_old_leads', 'orders', 'all', 'all'),
            ('budget_use', 'cost_jpy', 'budget_jpy', 'all', 'all'),
            ('rival_loss_share', 'rival_losses', 'returned_leads', 'all', 'all'),
            ('contacts_before_proposal', 'contacts', 'opportunities', 'all', 'all'),
            ('delivery_rate', 'letters_delivered', 'letters', 'channel', 'email'),
            ('bounce_rate', 'letters_bounced', 'letters', 'channel', 'email'),
            ('open_rate_human', 'letters_opened', 'letters', 'channel', 'email'),
            ('click_rate_human', 'letters_clicked', 'letters', 'channel', 'email')
    ),

    by_month as (
        select
            definitions.kpi_id,
            months.month as period,
            definitions.segment_kind,
            definitions.segment_id,
            coalesce(above.amount, 0) as numerator,
            case when definitions.below is not null then coalesce(below.amount, 0) end as denominator
        from definitions
        cross join months
        left join counts as above on definitions.above = above.name and months.month = above.month
        left join counts as below on definitions.below = below.name and months.month = below.month
    ),

    horizons as (select unnest([1, 3, 6, 12, 24]) as n),

    by_cohort as (
        select
            leads.month as period,
            horizons.n,
            count(*) as leads,
            count(*) filter (where first_deals.local_at < leads.lead_at + to_months(cast(n as integer))) as deals,
            count(*) filter (where first_orders.local_at < leads.lead_at + to_months(cast(n as integer))) as orders
        from leads
        cross join horizons
        cross join clock
        left join first_deals on leads.person_key = first_deals.person_key
        left join first_orders on leads.person_key = first_orders.person_key
        where leads.month + to_months(cast(n + 1 as integer)) <= as_of + interval 1 day
        group by all
    ),

    waits as (
        select
            greatest(
                date_diff('day', cast(leads.lead_at as date), coalesce(cast(first_deals.local_at as date), as_of)), 0
            ) as days,
            first_deals.local_at is not null as has_ended
        from leads
        cross join clock
        left join first_deals on leads.person_key = first_deals.person_key
    ),

    curve as (
        select
            one.days,
            product(1 - one.ended / one.watched) over (order by one.days) as survival
        from (
            select
                days,
                count(*) filter (where has_ended) as ended,
                sum(count(*)) over (order by days desc) as watched
            from waits
            group by days
        ) as one
        where one.ended > 0
    ),

    standing as (
        select
            (select count(*) from leads) as leads,
            (select count(*) from deals) as deals,
            (select count(*) from orders) as orders,
            (select sum(margin_jpy) from orders) as margin,
            (select sum(amount_jpy) from truth.costs, clock where cost_on <= as_of) as cost,
            (
                select count(*)
                from leads
                where person_key not in (select person_key from deals where person_key is not null)
            ) as unconverted,
            (select count(*) from (select person_key from orders group by 1 having count(*) >= 1)) as customers_1,
            (select count(*) from (select person_key from orders group by 1 having count(*) >= 2)) as customers_2,
            (select count(*) from (select person_key from orders group by 1 having count(*) >= 3)) as customers_3
    ),

    -- of the unconverted those who came back to the site after their form
    revisits as (
        select
            count(distinct leads.person_key) filter (where sessions.ended_at >= as_of_end - interval 30 day) as in_30d,
            count(distinct leads.person_key) filter (where sessions.ended_at >= as_of_end - interval 90 day) as in_90d
        from leads
        cross join clock
        inner join truth.sessions as sessions
            on leads.person_key = sessions.person_key
            and timezone(zone, timezone('UTC', sessions.ended_at)) > leads.lead_at
            and sessions.machine_kind is null
        where leads.person_key not in (select person_key from deals where person_key is not null)
    ),

    -- opportunities = visitors x action rate x opportunity rate: each factor's share of a change, by Shapley
    factors as (
        select
            months.month,
            visitors.amount as v,
            leads.amount / visitors.amount as a,
            coalesce(opportunities.amount, 0) / leads.amount as o
        from months
        inner join counts as visitors on visitors.name = 'visitors' and months.month = visitors.month
        inner join counts as leads on leads.name = 'leads_new' and months.month = leads.month
        left join counts as opportunities
            on opportunities.name = 'opportunities' and months.month = opportunities.month
        where visitors.amount > 0 and leads.amount > 0
    ),

    changes as (
        select
            later.month,
            (later.v - earlier.v) * (
                later.a * later.o / 3 + earlier.a * earlier.o / 3
                + (later.a * earlier.o + earlier.a * later.o) / 6
            ) as by_visitors,
            (later.a - earlier.a) * (
                later.v * later.o / 3 + earlier.v * earlier.o / 3
                + (later.v * earlier.o + earlier.v * later.o) / 6
            ) as by_action_rate,
            (later.o - earlier.o) * (
                later.v * later.a / 3 + earlier.v * earlier.a / 3
                + (later.v * earlier.a + earlier.v * later.a) / 6
            ) as by_opportunity_rate
        from factors as later
        inner join factors as earlier on later.month = earlier.month + interval 1 month
    )

select kpi_id, cast(period as date) as period, segment_kind, segment_id,
    cast(numerator as double) as numerator, cast(denominator as double) as denominator
from by_month
union all
select 'opp_rate_cohort_' || n || 'm', period, 'all', 'all', deals, leads from by_cohort
union all
select 'order_rate_cohort_' || n || 'm', period, 'all', 'all', orders, leads from by_cohort where n > 1
union all
select 'opp_curve_km', as_of, 'horizon_months', cast(n as varchar), 1 - min(survival), null
from horizons
cross join clock
inner join curve on curve.days <= n * 30.4375
where (select max(days) from curve) >= n * 30.4375
group by all
union all
select 'median_km_months', as_of, 'all', 'all', min(days) / 30.4375, null
from curve cross join clock
where survival <= 0.5
group by all
having count(*) > 0
union all
select 'growth_by_' || part, month, 'all', 'all', amount, null
from (
    select month, 'visitors' as part, by_visitors as amount from changes
    union all
    select month, 'action_rate', by_action_rate from changes
    union all
    select month, 'opportunity_rate', by_opportunity_rate from changes
)
union all
select kpi_id, as_of, 'all', 'all', above, below
from standing
cross join revisits
cross join clock
cross join lateral (
    values
        ('leads_unconverted', unconverted, null),
        ('revisit_rate_30d', in_30d, unconverted),
        ('revisit_rate_90d', in_90d, unconverted),
        ('cost_per_lead', cost, leads),
        ('cost_per_opportunity', cost, deals),
        ('cost_per_order', cost, orders),
        ('roi', margin - cost, cost),
        ('repeat_rate_1_2', customers_2, customers_1),
        ('repeat_rate_2_3', customers_3, customers_2)
) as told (kpi_id, above, below)
