with

    submissions as (select * from {{ ref("stg_forms__submissions") }}),

    mail_events as (select * from {{ ref("stg_email__events") }}),

    cards as (select * from {{ ref("stg_lists__rows") }}),

    touches as (select * from {{ ref("fct_touches") }}),

    person_identifiers as (select * from {{ ref("person_identifiers") }}),

    records as (
        select * from {{ ref("record_identifiers") }} where source in ('forms', 'lists')
    ),

    consent_rules as (select * from {{ ref("consent_rules") }}),

    touch_of_row as (
        select
            row_key,
            min(occurred_at) as occurred_at,
            min(person_id) as person_id,
            min(identifier) as identifier
        from touches
        where row_key is not null
        group by row_key
    ),

    -- a form without the box says nothing about consent
    statements as (
        select
            row_key,
            occurred_at,
            email,
            case when has_consent then 'form_agreed' else 'form_declined' end as signal,
            consent_wording as wording_version
        from submissions
        where has_consent is not null
        union all
        select
            row_key,
            occurred_at,
            recipient as email,
            event_type as signal,
            cast(null as {{ dbt.type_string() }}) as wording_version
        from mail_events
        union all
        -- an opt-out that another marketing tool tells is one
        select
            row_key,
            occurred_at,
            cast(null as {{ dbt.type_string() }}) as email,
            'unsubscribed' as signal,
            cast(null as {{ dbt.type_string() }}) as wording_version
        from touches
        where source = 'touches' and touch_type = 'email_unsubscribed'
        union all
        select
            cards.row_key,
            touch_of_row.occurred_at,
            cards.email,
            'card_exchanged' as signal,
            cast(null as {{ dbt.type_string() }}) as wording_version
        from cards
        inner join touch_of_row on cards.row_key = touch_of_row.row_key
    ),

    statements_read as (
        select
            statements.row_key,
            statements.occurred_at,
            statements.signal,
            statements.wording_version,
            'email:' || statements.email as email_identifier,
            touch_of_row.identifier as touch_identifier,
            coalesce(records.is_role_mailbox, false) as is_role_mailbox
        from statements
        left join touch_of_row on statements.row_key = touch_of_row.row_key
        left join records on statements.row_key = records.row_key
    ),

    -- Consent belongs to whoever filled in the form or gave the card. It holds for the
    -- address written there too, where that is theirs to share (a role mailbox) and
    -- wherever it is a refusal: nobody is written to because of a typing error.
    identifiers_spoken_for as (
        select
            row_key,
            occurred_at,
            signal,
            wording_version,
            coalesce(touch_identifier, email_identifier) as identifier
        from statements_read
        union
        select row_key, occurred_at, signal, wording_version, email_identifier
        from statements_read
        where
            email_identifier is not null
            and (is_role_mailbox or signal = 'form_declined')
    ),

    statements_named as (
        select
            identifiers_spoken_for.row_key,
            identifiers_spoken_for.occurred_at,
            identifiers_spoken_for.signal,
            identifiers_spoken_for.wording_version,
            identifiers_spoken_for.identifier,
            coalesce(person_identifiers.person_id, touch_of_row.person_id) as person_id
        from identifiers_spoken_for
        left join
            person_identifiers
            on identifiers_spoken_for.identifier = person_identifiers.identifier
        left join touch_of_row on identifiers_spoken_for.row_key = touch_of_row.row_key
    ),

    consents as (
        select
            {{
                surrogate_key(
                    [
                        "statements_named.row_key",
                        "consent_rules.rule_id",
                        "statements_named.identifier",
                    ]
                )
            }} as consent_event_id,
            statements_named.person_id,
            statements_named.identifier,
            consent_rules.channel,
            consent_rules.purpose,
            consent_rules.status,
            consent_rules.basis,
            consent_rules.is_explicit,
            statements_named.wording_version,
            statements_named.occurred_at,
            consent_rules.rule_id,
            statements_named.row_key
        from statements_named
        inner join consent_rules on statements_named.signal = consent_rules.signal
    )

select *
from consents
