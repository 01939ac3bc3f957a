{# What each company would have been scored on each cut by each way of adding up (company_aggregations.csv), from what was
   known by then. A deed counts for the company that the person worked for on its day, fit for the present one; who was
   not yet known to work there adds nothing. #}
with

    people as (select * from {{ ref("dim_people") }} where not is_internal),
    spans as (select * from {{ ref("employment_spans") }}),
    employments as (select * from {{ ref("dim_employments") }}),
    given as (select * from {{ ref("int_points_by_day") }}),
    rules as (select * from {{ ref("int_rules_in_use") }}),
    fit_periods as (select * from {{ ref("int_fit_periods") }}),
    cuts as (
        select distinct scored_on from {{ ref("int_score_days") }} where day_use = 'cut'
    ),
    aggregations as (select * from {{ ref("company_aggregations") }}),

    employments_known as (
        select person_id, company_id, {{ local_date("min(valid_from)") }} as known_on
        from employments
        group by person_id, company_id
    ),

    -- One key for the pair, so that the points of a person are capped at each company
    -- apart.
    members as (
        select
            spans.person_id,
            spans.company_id,
            spans.person_id || chr(31) || spans.company_id as member_id,
            employments_known.known_on,
            {{ local_date("spans.span_from") }} as span_from_on,
            {{ local_date("spans.span_to") }} as span_to_on
        from spans
        inner join people on spans.person_id = people.person_id
        inner join
            employments_known
            on spans.person_id = employments_known.person_id
            and spans.company_id = employments_known.company_id
    ),

    deeds as (
        select
            members.member_id as person_id,
            given.rule_id,
            given.occurred_on,
            greatest(given.known_on, members.known_on) as known_on,
            given.deeds,
            -- known later than done: nobody knew then whose browser it was
            given.known_on > given.occurred_on as was_anonymous
        from given
        inner join
            members
            on given.person_id = members.person_id
            and given.occurred_on >= members.span_from_on
            and given.occurred_on < members.span_to_on
    ),
    deeds_of_known as (select * from deeds where not was_anonymous),

    points_of_all as ({{ points_added_up("deeds", "rules", "cuts") }}),
    points_of_known as ({{ points_added_up("deeds_of_known", "rules", "cuts") }}),

    behaviour as (
        select person_id as member_id, scored_on, sum(points) as behaviour_score
        from points_of_all
        group by person_id, scored_on
    ),
    behaviour_of_known as (
        select person_id as member_id, scored_on, sum(points) as behaviour_score
        from points_of_known
        group by person_id, scored_on
    ),

    fit as (
        select members.member_id, cuts.scored_on, sum(fit_periods.points) as fit_score
        from fit_periods
        inner join
            cuts
            on fit_periods.valid_from <= cuts.scored_on
            and (fit_periods.valid_to is null or fit_periods.valid_to > cuts.scored_on)
        inner join
            members
            on fit_periods.person_id = members.person_id
            and cuts.scored_on >= members.span_from_on
            and cuts.scored_on < members.span_to_on
        group by members.member_id, cuts.scored_on
    ),

    members_scored as (
        select
            members.company_id,
            cuts.scored_on,
            coalesce(behaviour.behaviour_score, 0) as behaviour_score,
            coalesce(behaviour.behaviour_score, 0)
            + coalesce(fit.fit_score, 0) as total_score,
            coalesce(behaviour_of_known.behaviour_score, 0)
            + coalesce(fit.fit_score, 0) as known_score
        from members
        inner join cuts on members.known_on <= cuts.scored_on
        left join
            behaviour
            on members.member_id = behaviour.member_id
            and cuts.scored_on = behaviour.scored_on
        left join
            behaviour_of_known
            on members.member_id = behaviour_of_known.member_id
            and cuts.scored_on = behaviour_of_known.scored_on
        left join
            fit on members.member_id = fit.member_id and cuts.scored_on = fit.scored_on
    ),

    companies_scored as (
        select
            members_scored.company_id,
            members_scored.scored_on,
            aggregations.aggregation,
            case
                aggregations.aggregation
                when 'total'
                then sum(members_scored.total_score)
                when 'capped_total'
                then
                    sum(
                        least(
                            members_scored.total_score,
                            cast(aggregations.cap_points as decimal(18, 6))
                        )
                    )
                when 'best'
                then max(members_scored.total_score)
                when 'active_people'
                then sum(case when members_scored.behaviour_score > 0 then 1 else 0 end)
                when 'known_total'
                then sum(members_scored.known_score)
            end as score
        from members_scored
        cross join aggregations
        group by
            members_scored.company_id,
            members_scored.scored_on,
            aggregations.aggregation
    )

select company_id, scored_on, aggregation, cast(score as decimal(18, 6)) as score
from companies_scored
