{# Which unit says that a lead is its own, on the day that opened the hand-over: an ownership claim (CO02), or the wish that
   nobody else speaks with the person (CO03). Whoever keeps the others away answers. #}
with

    triggers as (select * from {{ ref("int_lead_triggers") }}),

    scopes as (select * from {{ ref("int_people_scopes") }}),

    claims as (
        select
            claim_id,
            company_domain,
            department_category,
            crm_lead_id,
            product_id,
            unit_id,
            valid_from,
            valid_to
        from {{ ref("ownership_claims") }}
        union all
        select
            block_id,
            company_domain,
            department_category,
            crm_lead_id,
            cast(null as {{ dbt.type_string() }}) as product_id,
            requested_by_unit_id,
            requested_on,
            expires_on
        from {{ ref("contact_blocks") }}
        where channel = 'any'
    ),

    -- one person is a narrower claim than a department, a department than a company
    lead_claims as (
        select
            triggers.person_id,
            claims.claim_id,
            claims.product_id,
            claims.unit_id,
            min(
                case
                    when claims.crm_lead_id is not null
                    then 1
                    when claims.department_category is not null
                    then 2
                    else 3
                end
            ) as scope_rank
        from triggers
        inner join scopes on triggers.person_id = scopes.person_id
        inner join claims on {{ scope_covers("claims", "scopes") }}
        where
            claims.valid_from <= {{ local_date("triggers.routed_at") }}
            and (
                claims.valid_to is null
                or claims.valid_to >= {{ local_date("triggers.routed_at") }}
            )
        group by triggers.person_id, claims.claim_id, claims.product_id, claims.unit_id
    )

select *
from lead_claims
