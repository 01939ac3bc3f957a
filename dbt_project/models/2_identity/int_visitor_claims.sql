with

    submissions as (select * from {{ ref("stg_forms__submissions") }}),
    requests as (select * from {{ ref("stg_web__requests") }}),
    events as (select * from {{ ref("stg_email__events") }}),
    scanner_rule as (
        select min(threshold) as threshold
        from {{ ref("machine_rules") }}
        where kind = 'click_after_delivery'
    ),
    records as (select * from {{ ref("record_identifiers") }}),
    identifiers as (select * from {{ ref("person_identifiers") }}),
    rules as (select * from {{ ref("identity_rules") }} where step = 2),

    deliveries as (
        select mail_token, min(occurred_at) as delivered_at
        from events
        where event_type = 'delivered' and mail_token is not null
        group by mail_token
    ),

    -- Link scanners open what a mail holds as it is delivered; they are nobody's
    -- browser.
    mail_visits as (
        select
            requests.visitor_id,
            requests.mail_token,
            requests.occurred_at,
            requests.row_key
        from requests
        left join deliveries on requests.mail_token = deliveries.mail_token
        cross join scanner_rule
        where
            requests.has_cookie
            and requests.mail_token is not null
            and (
                deliveries.delivered_at is null
                or
                {{ seconds_between("deliveries.delivered_at", "requests.occurred_at") }}
                > scanner_rule.threshold
            )
    ),

    -- A mail that was forwarded is opened in its owner's browser first. The later
    -- browsers
    -- stay strangers until they make themselves known in another way.
    browsers_of_mails as (
        select
            visitor_id,
            mail_token,
            row_number() over (
                partition by mail_token order by min(occurred_at), visitor_id
            ) as browser_number
        from mail_visits
        group by visitor_id, mail_token
    ),

    claims as (
        select
            submissions.visitor_id,
            records.identifier,
            'form_cookie' as rule_id,
            submissions.occurred_at as claimed_at,
            submissions.row_key
        from submissions
        inner join
            records
            on submissions.row_key = records.row_key
            and records.source = 'forms'
        where submissions.visitor_id is not null
        union all
        select
            mail_visits.visitor_id,
            'mail_token:' || mail_visits.mail_token,
            'mail_click_cookie',
            mail_visits.occurred_at,
            mail_visits.row_key
        from mail_visits
        inner join
            browsers_of_mails
            on mail_visits.visitor_id = browsers_of_mails.visitor_id
            and mail_visits.mail_token = browsers_of_mails.mail_token
        where browsers_of_mails.browser_number = 1
    ),

    claims_of_people as (
        select
            claims.visitor_id,
            identifiers.person_id,
            claims.identifier,
            claims.rule_id,
            rules.confidence,
            claims.claimed_at,
            claims.row_key
        from claims
        inner join identifiers on claims.identifier = identifiers.identifier
        inner join rules on claims.rule_id = rules.rule_id
    )

select *
from claims_of_people
