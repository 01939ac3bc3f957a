with

    assignments as (select * from {{ ref("int_identifier_assignments") }}),
    identifiers as (select * from {{ ref("person_identifiers") }}),

    people_now as (select distinct person_id from identifiers),

    people_first_assigned as (
        select person_id, min(assigned_at) as first_assigned_at
        from assignments
        group by person_id
    ),

    changes as (
        select
            assignments.identifier,
            assignments.former_person_id,
            assignments.person_id,
            case
                when former.person_id is not null
                then 'split: the former person goes on without this identifier'
                when known.first_assigned_at < assignments.assigned_at
                then 'merge: both were known as two people'
                else
                    'earlier evidence: the person is named after an identifier seen before'
            end as cause,
            assignments.assigned_at as changed_at
        from assignments
        left join
            people_now as former on assignments.former_person_id = former.person_id
        inner join
            people_first_assigned as known on assignments.person_id = known.person_id
        where assignments.former_person_id is not null
    )

select *
from changes
