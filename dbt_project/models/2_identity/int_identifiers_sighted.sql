with

    sightings as (select * from {{ ref("int_sightings") }}),

    identifiers as (
        select
            row_key,
            source,
            seen_at,
            'email' as identifier_kind,
            email as identifier_value
        from sightings
        where email is not null
        union all
        select row_key, source, seen_at, 'crm_lead', crm_lead
        from sightings
        where crm_lead is not null
        union all
        -- A number alone is an office; with a name it is a person.
        select row_key, source, seen_at, 'phone_name', phone || '|' || person_name
        from sightings
        where phone is not null and person_name is not null
        union all
        select row_key, source, seen_at, 'card', company_key || '|' || person_name
        from sightings
        where company_key is not null and person_name is not null
        union all
        select row_key, source, seen_at, 'mail_token', mail_token
        from sightings
        where mail_token is not null
        union all
        select row_key, source, seen_at, 'member', member_id
        from sightings
        where member_id is not null
        union all
        select row_key, source, seen_at, 'social_account', social_account
        from sightings
        where social_account is not null
    ),

    identifiers_named as (
        select
            row_key,
            source,
            seen_at,
            identifier_kind,
            identifier_value,
            identifier_kind || ':' || identifier_value as identifier
        from identifiers
    )

select *
from identifiers_named
