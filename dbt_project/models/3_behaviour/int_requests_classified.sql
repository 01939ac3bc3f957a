{#
  What can be said of a request by looking at it alone. New rows are added and no row is ever changed: what later
  rows say of a visitor is said elsewhere.
#}
{{ config(materialized="incremental", incremental_strategy="append") }}

with

    categories as (select * from {{ ref("content_categories") }}),
    machine_rules as (select * from {{ ref("machine_rules_in_force") }}),
    devices as (select * from {{ ref("device_classes") }}),
    parameters as (select * from {{ ref("search_parameters") }}),

    requests_new as (
        select *
        from
            {{ unseen_rows_of(ref("stg_web__requests"), "loaded_at", "occurred_at") }}
            as unseen
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
            categories.need_stage,
            categories.knowledge_level,
            row_number() over (
                partition by paths.path order by categories.priority
            ) as match_rank
        from paths
        inner join categories on coalesce(paths.path, '') like categories.path_pattern
    ),

    paths_judged as (
        select paths.path, min(machine_rules.rule_id) as attack_rule_id
        from paths
        inner join machine_rules on lower(paths.path) like machine_rules.pattern
        where machine_rules.kind = 'attack_path'
        group by paths.path
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

    browsers_classed as (
        select
            browsers.user_agent,
            min_by(devices.device_class, devices.priority) as device_class
        from browsers
        inner join devices on lower(browsers.user_agent) like devices.pattern
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

    -- What was typed into a search box, where the address that was come from still
    -- says so.
    referrers as (
        select distinct referrer, lower(referrer_host) as referrer_host
        from requests_new
        where referrer like '%?%'
    ),

    referrers_read as (
        select
            referrers.referrer,
            min_by(
                split_part(
                    split_part(
                        '&' || split_part(referrers.referrer, '?', 2),
                        '&' || parameters.parameter || '=',
                        2
                    ),
                    '&',
                    1
                ),
                parameters.priority
            ) as typed
        from referrers
        inner join parameters on referrers.referrer_host like parameters.host_pattern
        where
            '&' || split_part(referrers.referrer, '?', 2)
            like '%&' || parameters.parameter || '=_%'
        group by referrers.referrer
    ),

    searches as (
        select distinct query
        from requests_new
        inner join
            paths_ranked
            on requests_new.path = paths_ranked.path
            and paths_ranked.match_rank = 1
            and paths_ranked.touch_type = 'site_search'
        where query is not null
    ),

    searches_read as (
        select
            searches.query,
            min_by(
                split_part(
                    split_part(
                        '&' || searches.query, '&' || parameters.parameter || '=', 2
                    ),
                    '&',
                    1
                ),
                parameters.priority
            ) as typed
        from searches
        inner join
            parameters
            on parameters.host_pattern = 'own'
            and '&' || searches.query like '%&' || parameters.parameter || '=_%'
        group by searches.query
    ),

    requests_classified as (
        select
            requests_new.row_key,
            requests_new.stream,
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
            {{ url_decoded("referrers_read.typed") }} as referrer_term,
            case
                when paths_ranked.touch_type = 'site_search'
                then {{ url_decoded("searches_read.typed") }}
            end as site_search_term,
            requests_new.mail_token,
            paths_ranked.content_category,
            paths_ranked.touch_type,
            paths_ranked.product_id,
            paths_ranked.solution_id,
            paths_ranked.need_stage,
            paths_ranked.knowledge_level,
            browsers_classed.device_class,
            -- A page that was shown: neither part of a page, nor an error, nor a form
            -- being sent.
            coalesce(requests_new.method, 'GET') = 'GET'
            and requests_new.status between 200 and 399
            and paths_ranked.content_category <> 'asset' as is_page,
            coalesce(requests_new.method, 'GET') = 'GET'
            and requests_new.status between 200 and 399
            and paths_ranked.content_category = 'asset' as is_part_of_page,
            coalesce(
                browsers_judged.machine_rule_id, addresses_judged.machine_rule_id
            ) as machine_rule_id,
            paths_judged.attack_rule_id,
            requests_new.loaded_at,
            {{ as_of_end() }} as built_to
        from requests_new
        inner join
            paths_ranked
            on coalesce(requests_new.path, '') = coalesce(paths_ranked.path, '')
            and paths_ranked.match_rank = 1
        left join paths_judged on requests_new.path = paths_judged.path
        left join
            browsers_judged
            on coalesce(requests_new.user_agent, '') = browsers_judged.user_agent
        left join
            browsers_classed
            on coalesce(requests_new.user_agent, '') = browsers_classed.user_agent
        left join
            addresses_judged
            on requests_new.client_address = addresses_judged.client_address
        left join referrers_read on requests_new.referrer = referrers_read.referrer
        left join searches_read on requests_new.query = searches_read.query
    )

select *
from requests_classified
