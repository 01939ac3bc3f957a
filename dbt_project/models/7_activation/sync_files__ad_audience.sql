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

    consents as (select * from {{ ref("lead_consents") }} where channel = 'email'),

    consent_events as (select * from {{ ref("fct_consents") }}),

    addresses as (select * from {{ ref("int_addresses_failing") }}),

    -- A card handed over lets us write; giving an address to somebody else, hashed or
    -- not, needs a spoken yes.
    agreed as (
        select consents.person_id
        from consents
        inner join
            consent_events
            on consents.consent_event_id = consent_events.consent_event_id
        where consents.status = 'granted' and consent_events.is_explicit
    ),

    audience_ranked as (
        select
            {{ sha256_hex("lower(trim(people.email))") }} as hashed_email,
            people.person_id,
            tier_history.tier,
            'granted' as consent_status,
            addresses.reason is not null as is_suppressed,
            row_number() over (
                partition by lower(trim(people.email)) order by people.person_id
            ) as place
        from people
        inner join agreed on people.person_id = agreed.person_id
        inner join tier_history on people.person_id = tier_history.person_id
        left join addresses on people.email = addresses.email
        where tier_history.tier in ('latent', 'apparent', 'prospect')
    ),

    audience as (
        select
            hashed_email as sync_key,
            person_id,
            hashed_email,
            tier,
            consent_status,
            is_suppressed
        from audience_ranked
        where place = 1
    )

select *
from audience
