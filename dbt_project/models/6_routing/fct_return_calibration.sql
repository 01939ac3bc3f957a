{# F7, RT21: what sales gave back, held against what had recommended the lead: its score band, the routing rule, and every
   scoring rule that had given it points by then. Wilson's interval of 95 in 100 (1927). #}
{%- set z = 1.959963984540054 -%}

with

    handoffs as (select * from {{ ref("fct_handoffs") }}),

    routes as (select * from {{ ref("fct_lead_routes") }}),

    reasons as (select * from {{ ref("return_reasons") }}),

    points as (select * from {{ ref("fct_score_points") }}),

    leads as (
        select
            handoffs.route_id,
            handoffs.person_id,
            handoffs.routed_at,
            handoffs.owner_unit_id,
            routes.rule_id,
            coalesce(routes.score_band, 'none') as score_band,
            handoffs.outcome <> 'no_outcome_yet' as is_judged,
            handoffs.outcome = 'qualified' as is_qualified,
            handoffs.outcome = 'returned' as is_returned,
            handoffs.outcome = 'returned'
            and coalesce(reasons.is_about_fit, false) as is_bad_fit,
            handoffs.outcome = 'returned'
            and coalesce(reasons.is_about_timing, false) as is_bad_timing
        from handoffs
        inner join routes on handoffs.route_id = routes.route_id
        left join reasons on handoffs.return_reason_id = reasons.reason_id
    ),

    -- what had spoken for the lead when it was handed over; an attribute has no day
    scored as (
        select distinct leads.route_id, points.rule_id
        from leads
        inner join points on leads.person_id = points.person_id
        where
            points.nominal_points > 0
            and (points.occurred_at is null or points.occurred_at <= leads.routed_at)
    ),

    cuts as (
        select route_id, 'all' as cut, 'all' as member_id
        from leads
        union all
        select route_id, 'score_band', score_band
        from leads
        union all
        select route_id, 'routing_rule', rule_id
        from leads
        union all
        select route_id, 'unit', owner_unit_id
        from leads
        union all
        select route_id, 'scoring_rule', rule_id
        from scored
    ),

    counted as (
        select
            cuts.cut,
            cuts.member_id,
            count(*) as handed_over,
            count(case when leads.is_judged then 1 end) as judged,
            count(case when leads.is_qualified then 1 end) as qualified,
            count(case when leads.is_returned then 1 end) as returned,
            count(case when leads.is_bad_fit then 1 end) as returned_for_fit,
            count(case when leads.is_bad_timing then 1 end) as returned_for_timing
        from cuts
        inner join leads on cuts.route_id = leads.route_id
        group by cuts.cut, cuts.member_id
    ),

    rated as (
        select
            counted.*,
            cast(counted.judged as double) as people,
            cast(counted.returned_for_fit as double) as hits,
            overall.returned_for_fit
            / nullif(cast(overall.judged as double), 0) as fit_return_rate_of_all
        from counted
        cross join (select * from counted where cut = 'all') as overall
    ),

    calibrated as (
        select
            *,
            judged >= {{ var("fewest_people") }} as is_enough,
            hits / nullif(people, 0) as fit_return_rate,
            (
                hits
                + {{ z * z / 2 }}
                - {{ z }}
                * sqrt(hits * (people - hits) / nullif(people, 0) + {{ z * z / 4 }})
            )
            / (people + {{ z * z }}) as fit_return_low,
            (
                hits
                + {{ z * z / 2 }}
                + {{ z }}
                * sqrt(hits * (people - hits) / nullif(people, 0) + {{ z * z / 4 }})
            )
            / (people + {{ z * z }}) as fit_return_high
        from rated
    )

select
    cut,
    member_id,
    handed_over,
    judged,
    handed_over - judged as without_outcome,
    qualified,
    returned,
    returned_for_fit,
    returned_for_timing,
    is_enough,
    case when is_enough then fit_return_rate end as fit_return_rate,
    case when is_enough then greatest(0.0, fit_return_low) end as fit_return_low,
    case when is_enough then least(1.0, fit_return_high) end as fit_return_high,
    fit_return_rate_of_all,
    -- what speaks for leads that sales gives back more often than all is a rule to mend
    case
        when not is_enough
        then 'too_few'
        when fit_return_low > fit_return_rate_of_all
        then 'misleads'
        when fit_return_high < fit_return_rate_of_all
        then 'helps'
        else 'as_all'
    end as verdict
from calibrated
