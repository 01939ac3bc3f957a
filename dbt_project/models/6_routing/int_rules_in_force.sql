with

    routing_rules as (select * from {{ ref("routing_rules") }}),

    -- a rule touches the pay of sales people: without agreement it is a proposal (RT09)
    rules_in_force as (
        select *
        from routing_rules
        where
            (structure_id is null or structure_id = '{{ var("sales_structure") }}')
            and agreed_by is not null
            and agreed_on is not null
            and (expires_on is null or expires_on >= {{ as_of_date() }})
    )

select *
from rules_in_force
