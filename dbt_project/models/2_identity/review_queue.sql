with

    pairs as (select * from {{ ref("int_match_pairs") }}),
    profiles as (select * from {{ ref("int_match_profiles") }}),
    identifiers as (select * from {{ ref("person_identifiers") }}),

    -- A chain of other links may have made them one in the meantime.
    queued as (
        select
            pairs.*,
            lefts.person_id as left_person_id,
            rights.person_id as right_person_id
        from pairs
        inner join identifiers as lefts on pairs.left_identifier = lefts.identifier
        inner join identifiers as rights on pairs.right_identifier = rights.identifier
        where pairs.outcome = 'queued' and lefts.person_id <> rights.person_id
    )

select
    queued.link_id,
    queued.left_identifier,
    queued.right_identifier,
    queued.left_person_id,
    queued.right_person_id,
    queued.probability,
    queued.because,
    queued.first_claimed_at,
    lefts.person_name as left_name,
    rights.person_name as right_name,
    lefts.reading as left_reading,
    rights.reading as right_reading,
    queued.name_level,
    queued.name_weight,
    coalesce(lefts.company_key, lefts.organisation) as left_company,
    coalesce(rights.company_key, rights.organisation) as right_company,
    queued.workplace_level,
    queued.workplace_weight,
    lefts.email as left_email,
    rights.email as right_email,
    coalesce(lefts.mobile, lefts.landline) as left_phone,
    coalesce(rights.mobile, rights.landline) as right_phone,
    queued.mobile_level,
    queued.mobile_weight,
    lefts.department as left_department,
    rights.department as right_department,
    queued.department_level,
    queued.department_weight,
    coalesce(lefts.postal_code, lefts.prefecture) as left_place,
    coalesce(rights.postal_code, rights.prefecture) as right_place,
    queued.place_level,
    queued.place_weight
from queued
inner join profiles as lefts on queued.left_person = lefts.exact_person
inner join profiles as rights on queued.right_person = rights.exact_person
