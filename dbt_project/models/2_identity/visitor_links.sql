with

    claims as (select * from {{ ref("int_visitor_claims") }}),

    links as (
        select
            link_id,
            visitor_id,
            identifier,
            rule_id,
            person_id,
            is_rejected,
            refused_because,
            max(confidence) as confidence,
            min(claimed_at) as first_claimed_at,
            cast(count(*) as bigint) as claim_count,
            min(row_key) as evidence_row_key
        from claims
        group by
            link_id,
            visitor_id,
            identifier,
            rule_id,
            person_id,
            is_rejected,
            refused_because
    )

select *
from links
