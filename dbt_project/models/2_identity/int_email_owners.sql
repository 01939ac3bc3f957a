{# Whose address it is, when several names were given with it: people type others' addresses, and share mailboxes. #}
with

    sightings as (select * from {{ ref("int_sightings") }}),

    names_ranked as (
        select
            email,
            person_name,
            row_number() over (
                partition by email order by count(*) desc, min(seen_at), person_name
            ) as name_rank
        from sightings
        where email is not null and person_name is not null
        group by email, person_name
    )

select email, person_name as owner_name
from names_ranked
where name_rank = 1
