with

    attributes as (select * from {{ ref("int_person_attributes") }}),
    members as (select * from {{ ref("int_company_members") }}),

    -- The declared company speaks before the address: people write from private and
    -- from former addresses.
    candidates as (
        select
            person_id, 'name:' || attribute_value as company_identifier, 1 as preference
        from attributes
        where attribute = 'company_key'
        union all
        select
            person_id,
            'domain:' || split_part(attribute_value, '@', 2) as company_identifier,
            2 as preference
        from attributes
        where attribute = 'email'
    ),

    ranked as (
        select
            candidates.person_id,
            members.company_id,
            row_number() over (
                partition by candidates.person_id
                order by candidates.preference, members.company_id
            ) as preference_rank
        from candidates
        inner join members on candidates.company_identifier = members.company_identifier
    )

select person_id, company_id
from ranked
where preference_rank = 1
