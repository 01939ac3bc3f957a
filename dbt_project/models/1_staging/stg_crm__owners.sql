with

    owners as (select * from {{ source("raw_crm", "owners") }}),

    known as (
        select *
        from owners
        where
            occurrence = 1
            and owner_id is not null
            and {{ known_by_then("updated_at") }}
    ),

    versions_ranked as (
        select
            *,
            row_number() over (
                partition by owner_id order by updated_at desc nulls last, row_key
            ) as version_rank
        from known
    ),

    owners_current as (
        select row_key, owner_id, owner_name, email, unit_id, updated_at
        from versions_ranked
        where version_rank = 1
    )

select *
from owners_current
