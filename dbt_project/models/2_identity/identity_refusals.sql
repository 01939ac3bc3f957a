with

    claims as (select * from {{ ref("int_identity_claims") }}),

    refusals as (
        select
            link_id,
            left_identifier,
            right_identifier,
            rule_id,
            confidence,
            first_claimed_at,
            claim_count,
            evidence_row_key,
            refused_because as reason
        from claims
        where refused_because is not null
    )

select *
from refusals
