with

    claims as (select * from {{ ref("int_claims_judged") }}),
    links as (select * from {{ ref("identity_links") }}),

    refusals as (
        select
            claims.link_id,
            claims.left_identifier,
            claims.right_identifier,
            claims.rule_id,
            claims.confidence,
            claims.first_claimed_at,
            claims.claim_count,
            claims.evidence_row_key,
            coalesce(
                claims.refused_because,
                'it would join what somebody keeps apart by rejecting a link'
            ) as reason
        from claims
        left join links on claims.link_id = links.link_id
        where links.link_id is null
    )

select *
from refusals
