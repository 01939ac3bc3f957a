with

    submissions as (select * from {{ ref("stg_forms__submissions") }}),
    requests as (select * from {{ ref("stg_web__requests") }}),
    identifiers as (select * from {{ ref("person_identifiers") }}),
    rules as (select * from {{ ref("identity_rules") }} where step = 2),

    claims as (
        select
            visitor_id,
            'email:' || email as identifier,
            'form_cookie' as rule_id,
            occurred_at as claimed_at,
            row_key
        from submissions
        where visitor_id is not null and email is not null
        union all
        select
            visitor_id,
            'mail_token:' || mail_token,
            'mail_click_cookie',
            occurred_at,
            row_key
        from requests
        where has_cookie and mail_token is not null
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
