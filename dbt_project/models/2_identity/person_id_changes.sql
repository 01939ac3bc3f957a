with

    assignments as (select * from {{ ref("int_identifier_assignments") }}),
    identifiers as (select * from {{ ref("person_identifiers") }}),

    -- An assignment holds until the identifier gets its next person.
    assignments_ended as (
        select
            *,
            coalesce(
                lead(assigned_at) over (partition by identifier order by assigned_at),
                cast('9999-12-31' as timestamp)
            ) as ended_at
        from assignments
    ),

    people_lived as (
        select
            assignments.identifier,
            assignments.assigned_at,
            max(
                case
                    when
                        others.person_id = assignments.former_person_id
                        and others.assigned_at <= assignments.assigned_at
                        and others.ended_at > assignments.assigned_at
                    then 1
                    else 0
                end
            ) as former_lives_on,
            max(
                case
                    when
                        others.person_id = assignments.person_id
                        and others.assigned_at < assignments.assigned_at
                        and others.ended_at >= assignments.assigned_at
                    then 1
                    else 0
                end
            ) as present_lived_before
        from assignments
        inner join
            assignments_ended as others
            on others.person_id in (assignments.former_person_id, assignments.person_id)
        where assignments.former_person_id is not null
        group by assignments.identifier, assignments.assigned_at
    ),

    -- A former id is the hash of the identifier it was named after: who holds that now
    -- is
    -- who the former person is today, however many changes lie between.
    namesakes as (
        select md5(identifier) as former_person_id, person_id as current_person_id
        from identifiers
    ),

    -- If that identifier is no longer seen, most of the others tell.
    heirs_ranked as (
        select
            assignments.person_id as former_person_id,
            identifiers.person_id as current_person_id,
            row_number() over (
                partition by assignments.person_id
                order by
                    count(distinct identifiers.identifier) desc, identifiers.person_id
            ) as heir_rank
        from assignments
        inner join identifiers on assignments.identifier = identifiers.identifier
        group by assignments.person_id, identifiers.person_id
    ),

    changes as (
        select
            assignments.identifier,
            assignments.former_person_id,
            assignments.person_id,
            coalesce(
                namesakes.current_person_id, heirs_ranked.current_person_id
            ) as current_person_id,
            case
                when people_lived.former_lives_on = 1
                then 'split: the former person goes on without this identifier'
                when people_lived.present_lived_before = 1
                then 'merge: both were known as two people'
                else
                    'earlier evidence: the person is named after an identifier seen before'
            end as cause,
            assignments.assigned_at as changed_at
        from assignments
        inner join
            people_lived
            on assignments.identifier = people_lived.identifier
            and assignments.assigned_at = people_lived.assigned_at
        left join namesakes on assignments.former_person_id = namesakes.former_person_id
        left join
            heirs_ranked
            on assignments.former_person_id = heirs_ranked.former_person_id
            and heirs_ranked.heir_rank = 1
        where assignments.former_person_id is not null
    )

select *
from changes
