with

    blocks as (
        select *
        from {{ ref("contact_blocks") }}
        where requested_on <= {{ as_of_date() }} and expires_on >= {{ as_of_date() }}
    ),

    scopes as (select * from {{ ref("int_people_scopes") }}),

    lead_blocks as (
        select distinct
            scopes.person_id,
            blocks.channel,
            blocks.block_id,
            blocks.requested_by_unit_id,
            blocks.reason,
            blocks.expires_on
        from blocks
        inner join
            scopes
            on (
                blocks.company_domain is null
                or blocks.company_domain = scopes.company_domain
            )
            and (
                blocks.department_category is null
                or blocks.department_category = scopes.department_category
            )
            and (blocks.crm_lead_id is null or blocks.crm_lead_id = scopes.crm_lead_id)
        where
            blocks.company_domain is not null
            or blocks.department_category is not null
            or blocks.crm_lead_id is not null
    )

select *
from lead_blocks
