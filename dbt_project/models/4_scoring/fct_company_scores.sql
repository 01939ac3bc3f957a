with

    companies as (select * from {{ ref("dim_companies") }}),
    people as (select * from {{ ref("dim_people") }}),
    scores as (select * from {{ ref("fct_lead_scores") }}),
    points as (select * from {{ ref("fct_score_points") }}),

    scores_of_companies as (
        select people.company_id, scores.total_score, scores.behaviour_score
        from people
        inner join scores on people.person_id = scores.person_id
        where people.company_id is not null and not people.is_internal
    ),

    evidence_of_companies as (
        select
            people.company_id,
            sum(
                case when points.was_anonymous then 0 else points.points end
            ) as known_points,
            sum(
                case when points.was_anonymous then points.points else 0 end
            ) as anonymous_points
        from points
        inner join people on points.person_id = people.person_id
        where people.company_id is not null and not people.is_internal
        group by people.company_id
    ),

    companies_added_up as (
        select
            company_id,
            cast(count(*) as bigint) as people_count,
            cast(
                count(*) filter (where behaviour_score > 0) as bigint
            ) as active_people_count,
            cast(sum(total_score) as decimal(18, 6)) as total_score,
            cast(max(total_score) as decimal(18, 6)) as top_score
        from scores_of_companies
        group by company_id
    )

select
    companies.company_id,
    coalesce(companies_added_up.people_count, 0) as people_count,
    coalesce(companies_added_up.active_people_count, 0) as active_people_count,
    coalesce(companies_added_up.total_score, cast(0 as decimal(18, 6))) as total_score,
    coalesce(companies_added_up.top_score, cast(0 as decimal(18, 6))) as top_score,
    cast(
        coalesce(evidence_of_companies.known_points, 0) as decimal(18, 6)
    ) as known_points,
    cast(
        coalesce(evidence_of_companies.anonymous_points, 0) as decimal(18, 6)
    ) as anonymous_points,
    {{ as_of_date() }} as as_of
from companies
left join
    evidence_of_companies on companies.company_id = evidence_of_companies.company_id
left join companies_added_up on companies.company_id = companies_added_up.company_id
