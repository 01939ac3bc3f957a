with

    claims as (
        select *
        from {{ ref("int_identity_claims") }}
        union all
        select *
        from {{ ref("int_matched_claims") }}
    )

select *
from claims
