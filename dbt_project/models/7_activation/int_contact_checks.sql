{# CN02: law, the person's wish, a sales unit's wish and how much is too much, each checked for each purpose by contact_checks.csv.
   What a purpose may do is decided here once; the sync models carry the outcome. #}
with

    people as (select * from {{ ref("dim_people") }}),

    checks as (select * from {{ ref("contact_checks") }}),

    consents as (select * from {{ ref("lead_consents") }} where channel = 'email'),

    consent_events as (select * from {{ ref("fct_consents") }}),

    addresses as (select * from {{ ref("int_addresses_failing") }}),

    blocks as (select * from {{ ref("lead_contact_blocks") }}),

    handoffs as (select * from {{ ref("fct_handoffs") }}),

    mail_events as (select * from {{ ref("stg_email__events") }}),

    -- a unit's own request does not keep the unit itself away from its lead
    blocks_meant as (
        select checks.purpose, blocks.person_id, min(blocks.block_id) as block_id
        from checks
        inner join
            blocks
            on checks.check_id = 'owner_block'
            and ',' || checks.channels || ',' like '%,' || blocks.channel || ',%'
        left join handoffs on blocks.person_id = handoffs.person_id
        where
            checks.purpose <> 'sales'
            or coalesce(handoffs.accountable_unit_id, '') <> blocks.requested_by_unit_id
        group by checks.purpose, blocks.person_id
    ),

    mails_counted as (
        select
            checks.purpose,
            mail_events.recipient as email,
            count(distinct mail_events.row_key) as mails
        from checks
        inner join
            mail_events
            on checks.check_id = 'frequency_cap'
            and mail_events.event_type = 'delivered'
            and mail_events.occurred_at
            >= {{
                plus_minutes(
                    as_of_end(), "cast(-1440 * checks.within_days as integer)"
                )
            }}
        where mail_events.recipient is not null
        group by checks.purpose, mail_events.recipient
    ),

    checked as (
        select
            people.person_id,
            checks.purpose,
            checks.check_id,
            checks.check_order,
            case
                when checks.check_id = 'internal' and people.is_internal
                then 'internal'
                when checks.check_id = 'preference' and consents.status = 'denied'
                then 'consent denied'
                when
                    checks.check_id = 'law'
                    and coalesce(consents.status, 'unknown') <> 'granted'
                then 'no consent'
                when
                    checks.check_id = 'law'
                    and checks.consent = 'explicit'
                    and not coalesce(consent_events.is_explicit, false)
                then 'no explicit consent'
                when
                    checks.check_id = 'owner_block'
                    and blocks_meant.block_id is not null
                then 'do not contact ' || blocks_meant.block_id
                when checks.check_id = 'address' and addresses.reason is not null
                then 'address ' || addresses.reason
                when
                    checks.check_id = 'frequency_cap'
                    and mails_counted.mails >= checks.most_mails
                then 'too many mails'
            end as failure
        from people
        cross join checks
        left join consents on people.person_id = consents.person_id
        left join
            consent_events
            on consents.consent_event_id = consent_events.consent_event_id
        left join addresses on people.email = addresses.email
        left join
            blocks_meant
            on people.person_id = blocks_meant.person_id
            and checks.purpose = blocks_meant.purpose
        left join
            mails_counted
            on people.email = mails_counted.email
            and checks.purpose = mails_counted.purpose
    ),

    first_failures as (
        select person_id, purpose, min(check_order) as first_failed
        from checked
        where failure is not null
        group by person_id, purpose
    ),

    checks_listed as (
        select
            person_id,
            purpose,
            {{ text_list("check_id", ",", "check_order") }} as checks_passed
        from checked
        where failure is null
        group by person_id, purpose
    ),

    -- who stands in several checks' way is told the first
    contact_checks as (
        select
            people.person_id,
            purposes.purpose,
            coalesce(consents.status, 'unknown') as consent_status,
            first_failures.first_failed is not null as is_suppressed,
            checked.failure as suppression_reason,
            coalesce(checks_listed.checks_passed, '') as checks_passed
        from people
        cross join (select distinct purpose from checks) as purposes
        left join consents on people.person_id = consents.person_id
        left join
            first_failures
            on people.person_id = first_failures.person_id
            and purposes.purpose = first_failures.purpose
        left join
            checked
            on first_failures.person_id = checked.person_id
            and first_failures.purpose = checked.purpose
            and first_failures.first_failed = checked.check_order
        left join
            checks_listed
            on people.person_id = checks_listed.person_id
            and purposes.purpose = checks_listed.purpose
    )

select *
from contact_checks
