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
        inner join scopes on {{ scope_covers("blocks", "scopes") }}
    )

select *
from lead_blocks
