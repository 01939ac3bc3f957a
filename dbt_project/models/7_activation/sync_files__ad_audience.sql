{# Whom advertisements may find: hashed addresses of people who agreed by own hand and have not bought. Who buys, or says
   no, is not in the model any more, and the mirror takes the row out. #}
with

    people as (
        select *
        from {{ ref("dim_people") }}
        where email is not null and not is_internal
    ),

    tier_history as (
        select * from {{ ref("fct_tier_history") }} where valid_to is null
    ),

    -- who never agreed is not even a row; who did and must not be shown is a marked one
    checks as (
        select *
        from {{ ref("int_contact_checks") }}
        where purpose = 'ad' and ',' || checks_passed || ',' like '%,law,%'
    ),

    audience_ranked as (
        select
            {{ sha256_hex("lower(trim(people.email))") }} as hashed_email,
            people.person_id,
            tier_history.tier,
            checks.consent_status,
            checks.is_suppressed,
            checks.suppression_reason,
            checks.checks_passed,
            row_number() over (
                partition by lower(trim(people.email)) order by people.person_id
            ) as place
        from people
        inner join checks on people.person_id = checks.person_id
        inner join tier_history on people.person_id = tier_history.person_id
        where tier_history.tier in ('latent', 'apparent', 'prospect')
    ),

    audience as (
        select
            hashed_email as sync_key,
            person_id,
            hashed_email,
            tier,
            consent_status,
            is_suppressed,
            suppression_reason,
            checks_passed
        from audience_ranked
        where place = 1
    )

select *
from audience
