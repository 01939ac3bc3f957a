{# Which companies could have been scored on each cut, what they were by each way of adding up, and whether one of
   their people came to an opportunity or an order in the days since. Who had either before stands apart. #}
with

    scores as (select * from {{ ref("int_company_cut_scores") }}),
    cuts as (select * from {{ ref("int_score_days") }} where day_use = 'cut'),
    touches as (select * from {{ ref("fct_touches") }}),
    spans as (select * from {{ ref("employment_spans") }}),

    milestones as (
        select distinct
            spans.company_id,
            case
                touches.touch_type when 'order_placed' then 'order' else 'opportunity'
            end as outcome,
            {{ local_date("touches.occurred_at") }} as reached_on
        from touches
        inner join
            spans
            on touches.person_id = spans.person_id
            and touches.occurred_at >= spans.span_from
            and touches.occurred_at < spans.span_to
        where touches.touch_type in ('opportunity_created', 'order_placed')
    ),

    outcomes as (
        select 'opportunity' as outcome
        union all
        select 'order' as outcome
    ),

    companies_before as (
        select
            scores.company_id,
            cuts.horizon_days,
            cuts.scored_on as cut_on,
            scores.aggregation as score_kind,
            cast(scores.score as double) as score
        from scores
        inner join cuts on scores.scored_on = cuts.scored_on
        where
            not exists (
                select 1
                from milestones
                where
                    milestones.company_id = scores.company_id
                    and milestones.reached_on <= cuts.scored_on
            )
    ),

    last_milestones as (
        select company_id, outcome, max(reached_on) as last_reached_on
        from milestones
        group by company_id, outcome
    )

select
    companies_before.company_id,
    companies_before.horizon_days,
    companies_before.cut_on,
    companies_before.score_kind,
    companies_before.score,
    outcomes.outcome,
    coalesce(last_milestones.last_reached_on > companies_before.cut_on, false) as is_hit
from companies_before
cross join outcomes
left join
    last_milestones
    on companies_before.company_id = last_milestones.company_id
    and outcomes.outcome = last_milestones.outcome
