with

    companies as (select * from {{ ref("dim_companies") }}),
    people as (select * from {{ ref("dim_people") }} where not is_internal),
    spans as (select * from {{ ref("employment_spans") }}),
    scores as (
        select *
        from {{ ref("fct_lead_scores") }}
        where fit_score <> 0 or deeds_counted > 0
    ),
    points_given as (select * from {{ ref("int_touch_points") }}),
    lines as (select * from {{ ref("visitor_companies") }}),
    caps as (
        select *
        from {{ ref("company_aggregations") }}
        where aggregation = 'capped_total'
    ),

    people_counted as (
        select company_id, cast(count(*) as bigint) as people_count
        from people
        where company_id is not null
        group by company_id
    ),

    -- What somebody did for a company stays with it when he works elsewhere later; how
    -- well he fits goes with him. Few ever change, and only their deeds are told
    -- apart one by one.
    people_changed as (
        select person_id from spans group by person_id having count(*) > 1
    ),

    score_days as (select {{ as_of_date() }} as scored_on),

    points_of_people_changed as (
        select points_given.*
        from points_given
        inner join people_changed on points_given.person_id = people_changed.person_id
    ),

    points_told_apart as ({{ points_worth("points_of_people_changed", "score_days") }}),

    points_of_companies as (
        select
            spans.company_id,
            scores.person_id,
            scores.fit_score,
            scores.behaviour_score,
            scores.anonymous_points
        from scores
        inner join spans on scores.person_id = spans.person_id
        where
            not exists (
                select 1
                from people_changed
                where people_changed.person_id = scores.person_id
            )
        union all
        select spans.company_id, scores.person_id, scores.fit_score, 0, 0
        from scores
        inner join people_changed on scores.person_id = people_changed.person_id
        inner join
            spans
            on scores.person_id = spans.person_id
            and spans.span_to = cast('9999-12-31' as timestamp)
        union all
        select
            spans.company_id,
            points_told_apart.person_id,
            0,
            points_told_apart.points,
            case
                when points_told_apart.was_anonymous
                then points_told_apart.points
                else 0
            end
        from points_told_apart
        inner join
            spans
            on points_told_apart.person_id = spans.person_id
            and points_told_apart.occurred_at >= spans.span_from
            and points_told_apart.occurred_at < spans.span_to
    ),

    scores_of_people as (
        select
            points_of_companies.company_id,
            points_of_companies.person_id,
            sum(behaviour_score + fit_score) as total_score,
            sum(behaviour_score) as behaviour_score,
            sum(behaviour_score + fit_score - anonymous_points) as known_points,
            sum(anonymous_points) as anonymous_points
        from points_of_companies
        inner join people on points_of_companies.person_id = people.person_id
        group by points_of_companies.company_id, points_of_companies.person_id
    ),

    scores_of_companies as (
        select
            company_id,
            cast(
                count(*) filter (where behaviour_score > 0) as bigint
            ) as active_people_count,
            sum(total_score) as total_score,
            max(total_score) as top_score,
            sum(
                least(total_score, cast(caps.cap_points as decimal(18, 6)))
            ) as capped_score,
            sum(known_points) as known_points,
            sum(anonymous_points) as anonymous_points
        from scores_of_people
        left join caps on 1 = 1
        group by company_id
    ),

    -- Somebody of the company, nobody knows who: counted and never scored.
    visitors_on_lines as (
        select company_id, cast(count(*) as bigint) as visitors_on_its_lines
        from lines
        group by company_id
    )

select
    companies.company_id,
    coalesce(people_counted.people_count, 0) as people_count,
    coalesce(scores_of_companies.active_people_count, 0) as active_people_count,
    cast(coalesce(scores_of_companies.total_score, 0) as decimal(18, 6)) as total_score,
    cast(coalesce(scores_of_companies.top_score, 0) as decimal(18, 6)) as top_score,
    cast(
        coalesce(scores_of_companies.capped_score, 0) as decimal(18, 6)
    ) as capped_score,
    cast(
        coalesce(scores_of_companies.known_points, 0) as decimal(18, 6)
    ) as known_points,
    cast(
        coalesce(scores_of_companies.anonymous_points, 0) as decimal(18, 6)
    ) as anonymous_points,
    coalesce(visitors_on_lines.visitors_on_its_lines, 0) as visitors_on_its_lines,
    {{ as_of_date() }} as as_of
from companies
left join people_counted on companies.company_id = people_counted.company_id
left join scores_of_companies on companies.company_id = scores_of_companies.company_id
left join visitors_on_lines on companies.company_id = visitors_on_lines.company_id
