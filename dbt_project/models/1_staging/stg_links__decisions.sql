with

    decisions as (select * from {{ source("raw_links", "decisions") }}),

    -- A decision is knowledge and no deed: it holds for every day, from when it was
    -- known.
    known as (
        select *
        from decisions
        where occurrence = 1 and loaded_at <= {{ decisions_known_at() }}
    ),

    -- The last word counts, so the state depends on the set of decisions and not on the
    -- order in which they came.
    decisions_ranked as (
        select
            *,
            row_number() over (
                partition by link_id order by decided_at desc, decision_id, row_key
            ) as recency
        from known
    ),

    decisions_in_force as (
        select
            row_key,
            link_id,
            decision,
            left_identifier,
            right_identifier,
            decision_reason as reason,
            decided_by,
            decided_at
        from decisions_ranked
        where recency = 1
    )

select *
from decisions_in_force
