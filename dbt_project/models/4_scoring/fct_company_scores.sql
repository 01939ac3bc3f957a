with

    companies as (select * from {{ ref("dim_companies") }}),
    people as (select * from {{ ref("dim_people") }} where not is_internal),
    spans as (select * from {{ ref("employment_spans") }}),
    points as (select * from {{ ref("fct_score_points") }}),
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
    -- well he fits goes with him.
    points_of_companies as (
        select
            spans.company_id,
            points.person_id,
            points.score_kind,
            points.points,
            points.was_anonymous
        from points
        inner join people on points.person_id = people.person_id
        inner join
            spans
            on points.person_id = spans.person_id
            and coalesce(points.occurred_at, cast('9999-12-30' as timestamp))
            >= spans.span_from
            and coalesce(points.occurred_at, cast('9999-12-30' as timestamp))
            < spans.span_to
    ),

    scores_of_people as (
        select
            company_id,
            person_id,
            sum(points) as total_score,
            sum(
                case when score_kind = 'behaviour' then points else 0 end
            ) as behaviour_score,
            sum(case when was_anonymous then 0 else points end) as known_points,
            sum(case when was_anonymous then points else 0 end) as anonymous_points
        from points_of_companies
        group by company_id, person_id
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
