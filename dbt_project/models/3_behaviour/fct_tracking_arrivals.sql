{#
  What the site and the mails report of themselves, whether anybody planned it or not: pages, forms, mail events,
  visits by marked links, and parameters of addresses. Named machines and attacks are left out: they ask for addresses
  that no plan could hold.
#}
with

    requests as (select * from {{ ref("int_requests_classified") }}),
    submissions as (select * from {{ ref("stg_forms__submissions") }}),
    mail_events as (select * from {{ ref("stg_email__events") }}),

    pages as (
        select *
        from requests
        where is_page and machine_rule_id is null and attack_rule_id is null
    ),

    parameters as (
        select
            occurred_at,
            visitor_id,
            has_cookie,
            mail_token,
            utm_campaign,
            {{ each_part("query", "&") }} as part
        from pages
        where query is not null
    ),

    arrivals as (
        select
            'page' as what,
            path as name,
            occurred_at,
            not has_cookie as lacks_visitor,
            mail_token is null as lacks_mail_token,
            utm_campaign is null as lacks_campaign
        from pages
        union all
        select
            'campaign_visit' as what,
            lower(utm_medium) as name,
            occurred_at,
            not has_cookie as lacks_visitor,
            mail_token is null as lacks_mail_token,
            utm_campaign is null as lacks_campaign
        from pages
        where utm_medium is not null
        union all
        select
            'parameter' as what,
            split_part(part, '=', 1) as name,
            occurred_at,
            not has_cookie as lacks_visitor,
            mail_token is null as lacks_mail_token,
            utm_campaign is null as lacks_campaign
        from parameters
        where split_part(part, '=', 1) <> ''
        union all
        select
            'form' as what,
            coalesce(form_id, form_kind) as name,
            occurred_at,
            visitor_id is null as lacks_visitor,
            mail_token is null as lacks_mail_token,
            campaign_id is null as lacks_campaign
        from submissions
        union all
        select
            'mail_event' as what,
            event_type as name,
            occurred_at,
            true as lacks_visitor,
            mail_token is null as lacks_mail_token,
            campaign_id is null as lacks_campaign
        from mail_events
    )

select
    what,
    name,
    cast(count(*) as bigint) as arrivals,
    cast(sum(case when lacks_visitor then 1 else 0 end) as bigint) as lacking_visitor,
    cast(
        sum(case when lacks_mail_token then 1 else 0 end) as bigint
    ) as lacking_mail_token,
    cast(sum(case when lacks_campaign then 1 else 0 end) as bigint) as lacking_campaign,
    min(occurred_at) as first_seen_at,
    max(occurred_at) as last_seen_at
from arrivals
where name is not null
group by what, name
