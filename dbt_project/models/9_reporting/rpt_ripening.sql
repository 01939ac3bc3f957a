{# Today's ripening list, and earlier ones with what became of them; whom to call is of group listed only. #}
with

    ripening as (select * from {{ ref("fct_ripening") }}),

    people as (select * from {{ ref("dim_people") }})

select
    ripening.ripening_id,
    ripening.list_month,
    ripening.list_on,
    ripening.is_current,
    ripening.place,
    ripening.person_id,
    people.display_name,
    people.company_name,
    ripening.group_kind,
    ripening.ripeness,
    ripening.ripeness_before,
    ripening.sessions_30d,
    ripening.sessions_90d,
    ripening.last_visit_at,
    ripening.people_before,
    ripening.chance_90d,
    ripening.has_opportunity_in_90d as has_opportunity
from ripening
inner join people on ripening.person_id = people.person_id
