with

    stages as (select * from {{ source("raw_crm", "opportunity_stages") }}),

    known as (
        select * from stages where occurrence = 1 and {{ known_by_then("entered_at") }}
    ),

    stages_entered as (
        select opportunity_id, stage, entered_at, min(row_key) as row_key
        from known
        group by opportunity_id, stage, entered_at
    )

select *
from stages_entered
