with

    pairs as (select * from {{ ref("int_match_pairs") }}),
    records as (select * from {{ ref("int_match_records") }}),
    decisions as (select * from {{ ref("int_match_decisions") }}),
    exact_claims as (select * from {{ ref("int_identity_claims") }}),
    rules as (select * from {{ ref("identity_rules") }}),

    evidence as (
        select exact_person, min(row_key) as evidence_row_key
        from records
        group by exact_person
    ),

    rejections as (
        select
            left_person,
            right_person,
            min(
                'rejected by ' || coalesce(decided_by, 'somebody') || ': ' || reason
            ) as refused_because
        from decisions
        where decision = 'reject'
        group by left_person, right_person
    ),

    claims_by_probability as (
        select
            pairs.link_id,
            pairs.left_identifier,
            pairs.right_identifier,
            pairs.rule_id,
            cast(least(pairs.probability, 0.99) as decimal(4, 2)) as confidence,
            pairs.first_claimed_at,
            cast(1 as bigint) as claim_count,
            evidence.evidence_row_key,
            pairs.outcome = 'rejected' as is_rejected,
            case
                when pairs.outcome = 'rejected'
                then
                    coalesce(
                        straight.refused_because,
                        turned.refused_because,
                        'rejected between others of the two people'
                    )
            end as refused_because
        from pairs
        inner join evidence on pairs.right_person = evidence.exact_person
        left join
            rejections as straight
            on pairs.left_person = straight.left_person
            and pairs.right_person = straight.right_person
        left join
            rejections as turned
            on pairs.left_person = turned.right_person
            and pairs.right_person = turned.left_person
        where pairs.outcome in ('joined', 'rejected')
    ),

    -- What a person joins needs no probability, and lasts when the weights change. A
    -- claim of an exact rule that was refused is that rule's own to take up again.
    claims_by_people as (
        select
            decisions.link_id,
            decisions.left_identifier,
            decisions.right_identifier,
            rules.rule_id,
            rules.confidence,
            decisions.decided_at as first_claimed_at,
            cast(1 as bigint) as claim_count,
            decisions.row_key as evidence_row_key,
            false as is_rejected,
            cast(null as {{ dbt.type_string() }}) as refused_because
        from decisions
        inner join rules on rules.rule_id = 'accepted_by_person'
        left join exact_claims on decisions.link_id = exact_claims.link_id
        where decisions.decision = 'accept' and exact_claims.link_id is null
    ),

    claims as (
        select *
        from claims_by_people
        union all
        select claims_by_probability.*
        from claims_by_probability
        left join
            claims_by_people on claims_by_probability.link_id = claims_by_people.link_id
        where claims_by_people.link_id is null
    )

select *
from claims
