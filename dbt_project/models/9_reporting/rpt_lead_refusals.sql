with

    refusals as (select * from {{ ref("identity_refusals") }}),
    browsers as (select * from {{ ref("visitor_links") }} where is_rejected),
    identifiers as (select * from {{ ref("person_identifiers") }}),
    rules as (select * from {{ ref("identity_rules") }}),
    reasons as (select * from {{ ref("refusal_reasons") }}),

    -- A refused claim concerns the people on both of its sides.
    refusals_of_people as (
        select
            identifiers.person_id,
            refusals.link_id,
            refusals.left_identifier,
            refusals.right_identifier,
            refusals.rule_id,
            refusals.first_claimed_at,
            refusals.reason
        from refusals
        inner join identifiers on refusals.left_identifier = identifiers.identifier
        union
        select
            identifiers.person_id,
            refusals.link_id,
            refusals.left_identifier,
            refusals.right_identifier,
            refusals.rule_id,
            refusals.first_claimed_at,
            refusals.reason
        from refusals
        inner join identifiers on refusals.right_identifier = identifiers.identifier
        union
        select
            person_id,
            link_id,
            'visitor:' || visitor_id as left_identifier,
            identifier as right_identifier,
            rule_id,
            first_claimed_at,
            refused_because as reason
        from browsers
    ),

    reasons_matched as (
        select
            refusals_of_people.*,
            reasons.name_ja as reason_ja,
            row_number() over (
                partition by refusals_of_people.person_id, refusals_of_people.link_id
                order by reasons.priority
            ) as reason_rank
        from refusals_of_people
        inner join reasons on refusals_of_people.reason like reasons.pattern
    )

select
    reasons_matched.person_id,
    reasons_matched.link_id,
    reasons_matched.left_identifier,
    reasons_matched.right_identifier,
    reasons_matched.first_claimed_at,
    rules.name_ja as rule_name_ja,
    rules.name_en as rule_name_en,
    reasons_matched.reason_ja,
    reasons_matched.reason as reason_en
from reasons_matched
left join rules on reasons_matched.rule_id = rules.rule_id
where reasons_matched.reason_rank = 1
