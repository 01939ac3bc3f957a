with

    claims as (
        select * from {{ ref("int_claims_judged") }} where refused_because is null
    ),
    identifiers as (select * from {{ ref("person_identifiers") }}),

    -- A claim across a rejected link joins nobody: its two sides are two people.
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
            lefts.person_id
        from claims
        inner join identifiers as lefts on claims.left_identifier = lefts.identifier
        inner join
            identifiers as rights
            on claims.right_identifier = rights.identifier
            and lefts.person_id = rights.person_id
    )

select *
from links
