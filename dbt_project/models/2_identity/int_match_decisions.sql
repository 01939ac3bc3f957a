with

    decisions as (select * from {{ ref("stg_links__decisions") }}),
    people as (select * from {{ ref("int_exact_people") }}),

    -- A decision is on two identifiers; here on whom the exact rules hold to be theirs.
    -- Where these are one already, there is nothing for matching to obey.
    decisions_on_people as (
        select
            decisions.link_id,
            decisions.decision,
            decisions.left_identifier,
            decisions.right_identifier,
            lefts.component as left_person,
            rights.component as right_person,
            decisions.reason,
            decisions.decided_by,
            decisions.decided_at,
            decisions.row_key
        from decisions
        inner join people as lefts on decisions.left_identifier = lefts.node
        inner join people as rights on decisions.right_identifier = rights.node
        where
            decisions.decision in ('accept', 'reject')
            and lefts.component <> rights.component
    )

select *
from decisions_on_people
