with

    triggers as (select * from {{ ref("int_lead_triggers") }}),

    contacts as (select * from {{ ref("int_unit_contacts") }}),

    parameters as (select * from {{ ref("routing_parameters") }}),

    levels as (select * from {{ ref("relation_levels") }}),

    account_units as (
        select unit_id, {{ each_part("covers", ",") }} as account
        from {{ ref("sales_units") }}
        where cut = 'account' and covers is not null
    ),

    -- how near the account team that would answer has come to the lead (RT12)
    nearness as (
        select triggers.person_id, {{ relation_of("contacts", "triggers") }} as relation
        from triggers
        inner join account_units on triggers.account = account_units.account
        inner join
            contacts
            on account_units.unit_id = contacts.unit_id
            and triggers.company_id = contacts.company_id
            and contacts.contacted_at < triggers.routed_at
        inner join parameters on parameters.parameter = 'relation_days'
        where
            {{ seconds_between("contacts.contacted_at", "triggers.routed_at") }}
            <= parameters.amount * 86400
    ),

    nearest as (
        select
            nearness.person_id,
            nearness.relation,
            row_number() over (
                partition by nearness.person_id order by levels.relation_rank desc
            ) as nearest_first
        from nearness
        inner join levels on nearness.relation = levels.relation
    )

select person_id, relation
from nearest
where nearest_first = 1
