with

    claims as (select * from {{ ref("int_identity_claims") }}),
    identifiers as (select * from {{ ref("person_identifiers") }}),

    links as (
        select
            claims.link_id,
            claims.left_identifier,
            claims.right_identifier,
            claims.rule_id,
            claims.confidence,
            claims.first_claimed_at,
            claims.claim_count,
            claims.evidence_row_key,
            identifiers.person_id
        from claims
        inner join identifiers on claims.left_identifier = identifiers.identifier
        where claims.refused_because is null
    )

select *
from links
