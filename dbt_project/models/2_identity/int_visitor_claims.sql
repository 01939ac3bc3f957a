with

    submissions as (select * from {{ ref("stg_forms__submissions") }}),
    mail_visits as (
        select *
        from {{ ref("mail_visits") }}
        where has_cookie and machine_rule_id is null
    ),
    records as (select * from {{ ref("record_identifiers") }}),
    identifiers as (select * from {{ ref("person_identifiers") }}),
    rules as (select * from {{ ref("identity_rules") }} where step = 2),
    rejections as (
        select * from {{ ref("stg_links__decisions") }} where decision = 'reject'
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

    claims_named as (
        select
            {{ surrogate_key(["visitor_id", "identifier", "rule_id"]) }} as link_id,
            visitor_id,
            identifier,
            rule_id,
            claimed_at,
            row_key
        from claims
    ),

    claims_of_people as (
        select
            claims_named.link_id,
            claims_named.visitor_id,
            identifiers.person_id,
            claims_named.identifier,
            claims_named.rule_id,
            rules.confidence,
            claims_named.claimed_at,
            claims_named.row_key,
            case
                when rejections.link_id is not null
                then
                    'rejected by '
                    || coalesce(rejections.decided_by, 'somebody')
                    || ': '
                    || rejections.reason
            end as rejected_because
        from claims_named
        inner join identifiers on claims_named.identifier = identifiers.identifier
        inner join rules on claims_named.rule_id = rules.rule_id
        left join rejections on claims_named.link_id = rejections.link_id
    ),

    words_of_people as (
        select
            visitor_id,
            person_id,
            sum(confidence) as weight,
            max(case when rule_id = 'mail_click_cookie' then 0 else 1 end) as has_form
        from claims_of_people
        where rejected_because is null
        group by visitor_id, person_id
    ),

    -- A link in somebody else's mail, followed in a browser that has more to say of
    -- another person, was forwarded: the browser stays with its own.
    clickers_outweighed as (
        select distinct own.visitor_id, own.person_id
        from words_of_people as own
        inner join
            words_of_people as others
            on own.visitor_id = others.visitor_id
            and own.person_id <> others.person_id
            and own.weight < others.weight
        where own.has_form = 0
    ),

    claims_judged as (
        select
            claims_of_people.link_id,
            claims_of_people.visitor_id,
            claims_of_people.person_id,
            claims_of_people.identifier,
            claims_of_people.rule_id,
            claims_of_people.confidence,
            claims_of_people.claimed_at,
            claims_of_people.row_key,
            coalesce(
                claims_of_people.rejected_because,
                case
                    when clickers_outweighed.visitor_id is not null
                    then 'forwarded mail: the browser says more of another person'
                end
            ) as refused_because
        from claims_of_people
        left join
            clickers_outweighed
            on claims_of_people.visitor_id = clickers_outweighed.visitor_id
            and claims_of_people.person_id = clickers_outweighed.person_id
    )

select *, refused_because is not null as is_rejected
from claims_judged
