with

    identity_links as (select * from {{ ref("identity_links") }}),

    identity_rules as (select * from {{ ref("identity_rules") }}),

    links_explained as (
        select
            identity_links.person_id,
            identity_links.left_identifier,
            identity_links.right_identifier,
            identity_links.rule_id,
            identity_rules.name_ja as rule_name_ja,
            identity_rules.name_en as rule_name_en,
            identity_rules.why_ja as rule_why_ja,
            identity_rules.why as rule_why_en,
            identity_links.confidence,
            identity_links.first_claimed_at
        from identity_links
        left join identity_rules on identity_links.rule_id = identity_rules.rule_id
    )

select *
from links_explained
