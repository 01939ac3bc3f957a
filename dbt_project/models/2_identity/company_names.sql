with

    changes as (select * from {{ ref("int_company_changes") }}),
    members as (select * from {{ ref("int_company_members") }}),
    companies as (select * from {{ ref("dim_companies") }}),

    names_given_up as (
        select
            members.company_id,
            changes.former_name as company_name,
            max(earlier.changed_on) as valid_from,
            min(changes.changed_on) as valid_to,
            min(changes.kind) as ended_because,
            min(changes.why) as why
        from changes
        inner join members on changes.former_identifier = members.company_identifier
        left join
            changes as earlier
            on changes.former_identifier = earlier.later_identifier
            and earlier.changed_on < changes.changed_on
        group by members.company_id, changes.former_name
    ),

    renamings as (
        select members.company_id, max(changes.changed_on) as valid_from
        from changes
        inner join members on changes.later_identifier = members.company_identifier
        where changes.kind = 'renamed'
        group by members.company_id
    ),

    names as (
        select company_id, company_name, valid_from, valid_to, ended_because, why
        from names_given_up
        union all
        select
            companies.company_id,
            companies.company_name,
            renamings.valid_from,
            cast(null as date) as valid_to,
            cast(null as {{ dbt.type_string() }}) as ended_because,
            cast(null as {{ dbt.type_string() }}) as why
        from companies
        left join renamings on companies.company_id = renamings.company_id
    )

select *
from names
