with

    changes as (select * from {{ ref("company_changes") }}),

    -- What has not happened by the as-of day is not known by then.
    changes_by_then as (
        select
            {{ company_identifier("former") }} as former_identifier,
            {{ company_identifier("later") }} as later_identifier,
            former as former_name,
            later as later_name,
            kind,
            changed_on,
            why
        from changes
        where changed_on <= {{ as_of_date() }}
    )

select *
from changes_by_then
