{# One line per browser and identifier that it spoke for. #}
with

    links as (select * from {{ ref("visitor_links") }} where not is_rejected),
    rules as (select * from {{ ref("identity_rules") }})

select
    links.person_id,
    links.link_id,
    'visitor:' || links.visitor_id as left_identifier,
    links.identifier as right_identifier,
    links.confidence,
    links.first_claimed_at,
    rules.name_ja as rule_name_ja,
    rules.name_en as rule_name_en,
    rules.why_ja as rule_why_ja,
    rules.why as rule_why_en
from links
inner join rules on links.rule_id = rules.rule_id
