{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key="row_key",
    )
}}

with

    requests as (select * from {{ ref("stg_web__requests") }}),
    categories as (select * from {{ ref("content_categories") }}),
    machine_rules as (select * from {{ ref("machine_rules") }}),

    requests_new as (
        select * from requests where {{ not_seen_before("loaded_at", "occurred_at") }}
    ),

    -- Rules are tried once for each distinct path and browser, not for each request.
    paths as (select distinct path from requests_new),

    paths_ranked as (
        select
            paths.path,
            categories.content_category,
            categories.touch_type,
            categories.product_id,
            categories.solution_id,
            row_number() over (
                partition by paths.path order by categories.priority
            ) as match_rank
        from paths
        inner join categories on coalesce(paths.path, '') like categories.path_pattern
    ),

    browsers as (
        select distinct coalesce(user_agent, '') as user_agent from requests_new
    ),

    browsers_judged as (
        select browsers.user_agent, min(machine_rules.rule_id) as machine_rule_id
        from browsers
        inner join
            machine_rules
            on (
                machine_rules.kind = 'user_agent'
                and lower(browsers.user_agent) like machine_rules.pattern
            )
            or (machine_rules.kind = 'user_agent_missing' and browsers.user_agent = '')
        group by browsers.user_agent
    ),

    addresses as (select distinct client_address from requests_new),

    addresses_judged as (
        select addresses.client_address, min(machine_rules.rule_id) as machine_rule_id
        from addresses
        inner join machine_rules on addresses.client_address like machine_rules.pattern
        where machine_rules.kind = 'client_address'
        group by addresses.client_address
    ),

    requests_classified as (
        select
            requests_new.row_key,
            requests_new.visitor_id,
            requests_new.has_cookie,
            requests_new.occurred_at,
            requests_new.path,
            requests_new.query,
            requests_new.referrer_host,
            requests_new.utm_source,
            requests_new.utm_medium,
            requests_new.utm_campaign,
            requests_new.utm_term,
            requests_new.mail_token,
            paths_ranked.content_category,
            paths_ranked.touch_type,
            paths_ranked.product_id,
            paths_ranked.solution_id,
            -- A page that was shown: neither part of a page, nor an error, nor a form
            -- being sent.
            coalesce(requests_new.method, 'GET') = 'GET'
            and requests_new.status between 200 and 399
            and paths_ranked.content_category <> 'asset' as is_page,
            coalesce(
                browsers_judged.machine_rule_id, addresses_judged.machine_rule_id
            ) as machine_rule_id,
            requests_new.loaded_at,
            {{ as_of_end() }} as built_to
        from requests_new
        inner join
            paths_ranked
            on coalesce(requests_new.path, '') = coalesce(paths_ranked.path, '')
            and paths_ranked.match_rank = 1
        left join
            browsers_judged
            on coalesce(requests_new.user_agent, '') = browsers_judged.user_agent
        left join
            addresses_judged
            on requests_new.client_address = addresses_judged.client_address
    )

select *
from requests_classified
