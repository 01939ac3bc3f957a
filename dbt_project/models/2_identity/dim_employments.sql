with

    sightings as (
        select * from {{ ref("int_person_sightings") }} where company_id is not null
    ),
    spans as (select * from {{ ref("employment_spans") }}),
    bounces as (select * from {{ ref("int_emails_bounced") }}),
    departments as (select * from {{ ref("int_departments_categorised") }}),

    openings as (
        select
            person_id,
            company_id,
            min(seen_at) as opened_at,
            max(department) as any_department
        from sightings
        group by person_id, company_id
    ),

    -- A record that names no department speaks of the company only.
    words as (
        select sightings.*, openings.opened_at
        from sightings
        inner join
            openings
            on sightings.person_id = openings.person_id
            and sightings.company_id = openings.company_id
        where sightings.department is not null or openings.any_department is null
    ),

    words_ranked as (
        select
            *,
            row_number() over (
                partition by person_id, company_id, coalesce(department, '')
                order by seen_at, row_key, source
            ) as oldest_first
        from words
    ),

    desks as (
        select
            person_id,
            company_id,
            department,
            opened_at,
            min(seen_at) as first_seen_at,
            max(seen_at) as last_seen_at,
            max(case when oldest_first = 1 then source end) as source,
            max(case when oldest_first = 1 then row_key end) as evidence_row_key,
            cast(count(*) as bigint) as record_count
        from words_ranked
        group by person_id, company_id, department, opened_at
    ),

    newest_words as (
        select
            person_id,
            company_id,
            coalesce(department, '') as department,
            company_name,
            position,
            row_number() over (
                partition by person_id, company_id, coalesce(department, '')
                order by
                    case when company_name is null then 1 else 0 end,
                    seen_at desc,
                    trust desc,
                    company_name,
                    position nulls last,
                    row_key
            ) as newest_first
        from words
    ),

    -- A new desk at the same company ends the former one; another company ends
    -- nothing.
    moves as (
        select
            desks.person_id,
            desks.company_id,
            coalesce(desks.department, '') as department,
            min(others.first_seen_at) as moved_at
        from desks
        inner join
            desks as others
            on desks.person_id = others.person_id
            and desks.company_id = others.company_id
            and others.first_seen_at > desks.last_seen_at
        group by desks.person_id, desks.company_id, coalesce(desks.department, '')
    ),

    addresses as (
        select distinct person_id, company_id, email
        from sightings
        where email is not null
    ),

    -- Gone is who has no address left there that takes mail.
    addresses_dead as (
        select
            addresses.person_id,
            addresses.company_id,
            max(bounces.bounced_at) as bounced_at
        from addresses
        left join bounces on addresses.email = bounces.email
        group by addresses.person_id, addresses.company_id
        having count(*) = count(bounces.email)
    )

select
    {{ surrogate_key(["desks.person_id", "desks.company_id", "desks.department"]) }}
    as employment_id,
    desks.person_id,
    desks.company_id,
    newest_words.company_name,
    desks.department,
    departments.department_category,
    newest_words.position,
    case
        when
            row_number() over (
                partition by desks.person_id, desks.company_id
                order by desks.first_seen_at, desks.department
            )
            = 1
        then desks.opened_at
        else desks.first_seen_at
    end as valid_from,
    coalesce(moves.moved_at, addresses_dead.bounced_at) as valid_to,
    case
        when moves.moved_at is not null
        then 'department_changed'
        when addresses_dead.bounced_at is not null
        then 'address_bounces'
    end as ended_because,
    moves.moved_at is null
    and addresses_dead.bounced_at is null
    and spans.person_id is not null as is_present,
    desks.source,
    desks.evidence_row_key,
    desks.record_count
from desks
inner join
    newest_words
    on desks.person_id = newest_words.person_id
    and desks.company_id = newest_words.company_id
    and coalesce(desks.department, '') = newest_words.department
    and newest_words.newest_first = 1
left join
    moves
    on desks.person_id = moves.person_id
    and desks.company_id = moves.company_id
    and coalesce(desks.department, '') = moves.department
left join
    addresses_dead
    on desks.person_id = addresses_dead.person_id
    and desks.company_id = addresses_dead.company_id
left join
    spans
    on desks.person_id = spans.person_id
    and desks.company_id = spans.company_id
    and spans.span_to = cast('9999-12-31' as timestamp)
left join departments on desks.department = departments.department
