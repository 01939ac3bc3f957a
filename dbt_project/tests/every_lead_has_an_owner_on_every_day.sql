{#
  What fails: a person outside the company without an accountable unit now, or with a hole between two owners.
  Why it matters: who goes on with the person until there is a deal was nobody's question (RT19); a day without an owner is
  a day of silence.
#}
with

    people as (select * from {{ ref("dim_people") }} where not is_internal),

    owners as (select * from {{ ref("fct_lead_owners") }}),

    owners_followed as (
        select
            person_id,
            valid_to,
            lead(valid_from) over (
                partition by person_id order by valid_from
            ) as next_from
        from owners
    ),

    ownerless as (
        select people.person_id, 'nobody now' as trouble
        from people
        left join
            owners on people.person_id = owners.person_id and owners.valid_to is null
        where owners.person_id is null
        union all
        select person_id, 'a hole' as trouble
        from owners_followed
        where
            coalesce(valid_to, timestamp '9999-01-01 00:00:00')
            <> coalesce(next_from, timestamp '9999-01-01 00:00:00')
    )

select *
from ownerless
