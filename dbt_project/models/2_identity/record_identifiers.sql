with

    sightings as (select * from {{ ref("int_sightings") }}),
    owners as (select * from {{ ref("int_email_owners") }}),
    exclusions as (
        select * from {{ ref("identity_exclusions") }} where effect = 'never_join'
    ),

    emails as (select distinct email from sightings where email is not null),

    emails_excluded as (
        select distinct emails.email
        from emails
        inner join exclusions on 'email:' || emails.email like exclusions.pattern
    ),

    -- A family name alone is short for the whole, and marriage changes it and leaves
    -- the given name; any other name on the address is somebody else typing it.
    records_judged as (
        select
            sightings.*,
            emails_excluded.email is not null as is_role_mailbox,
            sightings.email is not null
            and emails_excluded.email is null
            and (
                sightings.person_name is null
                or owners.owner_name like sightings.person_name || '%'
                or right(owners.owner_name, 2) = right(sightings.person_name, 2)
            ) as is_own_email
        from sightings
        left join owners on sightings.email = owners.email
        left join emails_excluded on sightings.email = emails_excluded.email
    ),

    records_named as (
        select
            row_key,
            source,
            seen_at,
            is_own_email,
            is_role_mailbox,
            coalesce(
                case when is_own_email then 'email:' || email end,
                'crm_lead:' || crm_lead,
                'member:' || member_id,
                'phone_name:' || phone || '|' || person_name,
                'card:' || company_key || '|' || person_name,
                'social_account:' || social_account,
                'email:' || email
            ) as identifier
        from records_judged
    )

select *
from records_named
where identifier is not null
