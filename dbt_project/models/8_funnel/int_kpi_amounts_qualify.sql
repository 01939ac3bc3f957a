{# Process 3 of 4: whether the scores and the lists are right, and who should not have been bought at all. #}
with

    backtest as (select * from {{ ref("fct_score_backtest") }}),

    calibration as (select * from {{ ref("fct_score_calibration") }}),

    ripening as (select * from {{ ref("fct_ripening") }}),

    leads as (select * from {{ ref("int_leads_acquired") }}),

    scores as (select * from {{ ref("fct_lead_scores") }}),

    score_bands as (select * from {{ ref("score_bands") }}),

    lead_costs as (select * from {{ ref("fct_lead_costs") }}),

    people as (select * from {{ ref("dim_people") }}),

    first_contacts as (
        select
            *,
            cast(
                date_trunc('month', {{ local_date("contacted_at") }}) as date
            ) as contact_month
        from {{ ref("fct_first_contacts") }}
    ),

    stage_changes as (
        select *, cast(date_trunc('month', valid_from) as date) as change_month
        from {{ ref("fct_buying_stages") }}
        where change <> 'entered'
    ),

    judged_lists as (
        select
            cast(count(*) filter (where group_kind = 'listed') as double) as listed,
            cast(count(*) filter (where group_kind = 'control') as double) as control,
            cast(
                count(*) filter (
                    where group_kind = 'listed' and has_opportunity_in_90d
                ) as double
            ) as listed_hits,
            cast(
                count(*) filter (
                    where group_kind = 'control' and has_opportunity_in_90d
                ) as double
            ) as control_hits
        from ripening
        where is_judged and not is_current
    ),

    -- whose fit is in the lowest band is off target
    leads_judged as (
        select
            leads.person_id,
            leads.lead_month,
            leads.channel,
            coalesce(leads.campaign_id, '(none)') as campaign_id,
            people.industry,
            coalesce(scores.fit_score, 0) < score_bands.min_score as is_off_target
        from leads
        inner join
            score_bands on score_bands.band_kind = 'fit' and score_bands.band = 'C'
        left join scores on leads.person_id = scores.person_id
        left join people on leads.person_id = people.person_id
    ),

    costs as (
        select
            leads_judged.campaign_id,
            leads_judged.lead_month,
            sum(lead_costs.cost_jpy) as cost_jpy
        from lead_costs
        inner join leads_judged on lead_costs.person_id = leads_judged.person_id
        where leads_judged.is_off_target
        group by leads_judged.campaign_id, leads_judged.lead_month
    ),

    industries as (
        select industry, channel, count(*) as leads
        from leads_judged
        where industry is not null
        group by industry, channel
    ),

    industries_summed as (
        select
            *,
            sum(leads) over () as all_leads,
            sum(leads) over (partition by industry) as of_industry,
            sum(leads) over (partition by channel) as of_channel
        from industries
    )

{%- for kpi, column in {
        "score_auc": "auc",
        "score_lift_top_tenth": "lift_in_top_tenth",
    }.items() %}
    select
        '{{ kpi }}' as measure,
        {{ as_of_date() }} as period,
        case
            when
                score_kind = 'behaviour'
                and outcome = 'opportunity'
                and horizon_days = 90
            then 'all'
            else 'score'
        end as segment_kind,
        case
            when
                score_kind = 'behaviour'
                and outcome = 'opportunity'
                and horizon_days = 90
            then 'all'
            else
                score_kind
                || ':'
                || outcome
                || ':'
                || cast(horizon_days as {{ dbt.type_string() }})
        end as segment_id,
        {{ column }} as amount
    from backtest
    where {{ column }} is not null
    union all
{%- endfor %}
-- how far forecast and outcome are apart, band by band, weighed by people
select
    'calibration_distances',
    {{ as_of_date() }},
    'all',
    'all',
    sum(cast(abs(expected_rate - rate) * people as decimal(24, 12)))
from calibration
where
    expected_rate is not null
    and rate is not null
    and horizon_days = 90
    and outcome = 'opportunity'
union all
select 'calibrated_people', {{ as_of_date() }}, 'all', 'all', sum(people)
from calibration
where
    expected_rate is not null
    and rate is not null
    and horizon_days = 90
    and outcome = 'opportunity'
union all
select
    'call_list_lift',
    {{ as_of_date() }},
    'all',
    'all',
    case
        when listed_hits + control_hits >= {{ var("fewest_outcomes") }} and control > 0
        then {{ risk_ratio("listed_hits", "listed", "control_hits", "control", 0) }}
    end
from judged_lists
union all
select 'leads_judged', lead_month, 'all', 'all', count(*)
from leads_judged
group by lead_month
union all
select 'leads_judged', lead_month, 'campaign', campaign_id, count(*)
from leads_judged
group by lead_month, campaign_id
union all
select 'leads_off_target', lead_month, 'all', 'all', count(*)
from leads_judged
where is_off_target
group by lead_month
union all
select 'leads_off_target', lead_month, 'campaign', campaign_id, count(*)
from leads_judged
where is_off_target
group by lead_month, campaign_id
union all
select 'cost_off_target', lead_month, 'campaign', campaign_id, cost_jpy
from costs
union all
select 'cost_off_target', lead_month, 'all', 'all', sum(cost_jpy)
from costs
group by lead_month
union all
select 'first_contacts', contact_month, 'all', 'all', count(*)
from first_contacts
group by contact_month
union all
select 'premature_contacts', contact_month, 'all', 'all', count(*)
from first_contacts
where is_premature
group by contact_month
union all
select 'stage_changes', change_month, 'all', 'all', count(*)
from stage_changes
group by change_month
union all
select 'stage_regressions', change_month, 'all', 'all', count(*)
from stage_changes
where is_regression
group by change_month
union all
-- above 1: more of this industry than of all come by this channel
select
    'segment_channel_index',
    {{ as_of_date() }},
    'industry_channel',
    industry || ':' || channel,
    cast(leads as double) * all_leads / of_industry / of_channel
from industries_summed
where of_industry >= {{ var("fewest_people") }}
