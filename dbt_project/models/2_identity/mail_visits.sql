with

    requests as (select * from {{ ref("stg_web__requests") }}),
    events as (select * from {{ ref("stg_email__events") }}),
    scanner_rules as (
        select *
        from {{ ref("machine_rules_in_force") }}
        where kind = 'click_after_delivery'
    ),

    deliveries as (
        select mail_token, min(occurred_at) as delivered_at
        from events
        where event_type = 'delivered' and mail_token is not null
        group by mail_token
    ),

    visits as (
        select
            requests.row_key,
            requests.visitor_id,
            requests.has_cookie,
            requests.mail_token,
            requests.occurred_at,
            {{ seconds_between("deliveries.delivered_at", "requests.occurred_at") }}
            as seconds_after_delivery
        from requests
        left join deliveries on requests.mail_token = deliveries.mail_token
        where requests.mail_token is not null
    ),

    -- Link scanners open what a mail holds as it is delivered; they are nobody's
    -- browser.
    visits_judged as (
        select
            visits.row_key,
            visits.visitor_id,
            visits.has_cookie,
            visits.mail_token,
            visits.occurred_at,
            min(scanner_rules.rule_id) as machine_rule_id
        from visits
        left join
            scanner_rules on visits.seconds_after_delivery <= scanner_rules.threshold
        group by
            visits.row_key,
            visits.visitor_id,
            visits.has_cookie,
            visits.mail_token,
            visits.occurred_at
    )

select *
from visits_judged
