{#
  What fails: a person outside the company who asked, or whose deeds made them hot, and who has no owner or several.
  Why it matters: the account and the product sales were both told, each waited for the other, and the customer complained
  (RT11). One accountable owner for each lead is what prevents it, and nobody may fall between the cuts.
#}
with

    people as (select * from {{ ref("dim_people") }} where not is_internal),

    touches as (select * from {{ ref("fct_touches") }}),

    routing_requests as (select * from {{ ref("routing_requests") }}),

    scores as (select * from {{ ref("fct_lead_scores") }}),

    score_points as (select * from {{ ref("fct_score_points") }}),

    routes as (select * from {{ ref("fct_lead_routes") }}),

    leads as (
        select touches.person_id
        from touches
        inner join routing_requests on touches.touch_type = routing_requests.touch_type
        where not touches.is_machine
        union
        select scores.person_id
        from scores
        inner join score_points on scores.person_id = score_points.person_id
        where scores.score_band = 'hot' and score_points.touch_id is not null
    ),

    owners_counted as (
        select people.person_id, count(routes.owner_unit_id) as owners
        from leads
        inner join people on leads.person_id = people.person_id
        left join routes on people.person_id = routes.person_id
        group by people.person_id
    )

select *
from owners_counted
where owners <> 1
