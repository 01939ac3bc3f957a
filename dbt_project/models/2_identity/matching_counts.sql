with

    pairs as (select * from {{ ref("int_match_pairs") }}),
    decisions as (select * from {{ ref("int_match_decisions") }}),

    counted as (
        select outcome, {{ local_date("first_claimed_at") }} as claimed_on, link_id
        from pairs
        union all
        select
            'accepted' as outcome, {{ local_date("decided_at") }} as claimed_on, link_id
        from decisions
        where decision = 'accept'
    )

select
    {{ surrogate_key(["outcome", "claimed_on"]) }} as count_key,
    outcome,
    claimed_on,
    cast(count(distinct link_id) as bigint) as pairs
from counted
group by outcome, claimed_on
