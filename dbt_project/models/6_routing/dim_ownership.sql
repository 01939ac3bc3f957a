with

    claims as (select * from {{ ref("ownership_claims") }}),

    scopes as (select * from {{ ref("int_people_scopes") }}),

    -- 'my customer' is a company, a department of it or a person, and perhaps a product
    -- (CO02); without such a scope the claim is refused by the schema
    ownership as (
        select distinct
            claims.claim_id,
            scopes.person_id,
            claims.product_id,
            claims.unit_id,
            claims.owner_role,
            claims.valid_from,
            claims.valid_to
        from claims
        inner join scopes on {{ scope_covers("claims", "scopes") }}
        where
            claims.valid_from <= {{ as_of_date() }}
            and (claims.valid_to is null or claims.valid_to >= {{ as_of_date() }})
    )

select *
from ownership
