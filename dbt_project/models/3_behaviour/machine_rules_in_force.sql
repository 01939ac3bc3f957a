{# The rules that are switched on, one row each, with the list of known crawlers written out. #}
with

    rules as (select * from {{ ref("machine_rules") }} where is_on),
    crawlers as (select * from {{ ref("crawler_user_agents") }}),

    rules_in_force as (
        select
            rule_id,
            kind,
            pattern,
            threshold,
            within_seconds,
            version,
            name_ja,
            name_en,
            why
        from rules
        where kind <> 'crawler_list'
        union all
        select
            crawlers.rule_id,
            'user_agent' as kind,
            crawlers.pattern,
            cast(null as integer) as threshold,
            cast(null as integer) as within_seconds,
            rules.version,
            'クローラー: ' || crawlers.name as name_ja,
            'crawler: ' || crawlers.name as name_en,
            crawlers.why
        from crawlers
        cross join rules
        where rules.kind = 'crawler_list'
    )

select *
from rules_in_force
