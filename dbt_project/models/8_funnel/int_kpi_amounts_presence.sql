{# LM11: how far we are known: searches by our name, visits without any help, target accounts seen. #}
with

    sessions as (select * from {{ ref("fct_sessions") }}),

    brand_words as (select * from {{ ref("brand_words") }}),

    companies as (select * from {{ ref("dim_companies") }}),

    target_accounts as (select * from {{ ref("target_accounts") }}),

    people as (select * from {{ ref("dim_people") }}),

    visitor_companies as (select * from {{ ref("visitor_companies") }}),

    searches as (
        select
            sessions.session_id,
            {{ local_month("sessions.started_at") }} as period,
            max(
                case
                    when
                        lower(sessions.search_term)
                        like '%' || lower(brand_words.word) || '%'
                    then 1
                    else 0
                end
            ) as is_branded
        from sessions
        cross join brand_words
        where
            sessions.search_term is not null
            and sessions.term_source <> 'site_search'
            and not sessions.is_machine
        group by all
    ),

    -- somebody who works there came by name, or from the company's own lines
    seen as (
        select people.company_id, {{ local_month("sessions.started_at") }} as period
        from sessions
        inner join people on sessions.person_id = people.person_id
        where not sessions.is_machine
        union
        select
            visitor_companies.company_id,
            {{ local_month("sessions.started_at") }} as period
        from sessions
        inner join
            visitor_companies on sessions.visitor_id = visitor_companies.visitor_id
        where not sessions.is_machine
    ),

    months as (select distinct {{ local_month("started_at") }} as period from sessions)

select
    'searches_known' as measure,
    period,
    'all' as segment_kind,
    'all' as segment_id,
    cast(count(*) as decimal(28, 9)) as amount
from searches
group by period
union all
select 'searches_branded', period, 'all', 'all', sum(is_branded)
from searches
group by period
union all
select
    'target_accounts_active', seen.period, 'all', 'all', count(distinct seen.company_id)
from seen
inner join companies on seen.company_id = companies.company_id
where companies.is_target
group by seen.period
union all
select 'target_accounts', months.period, 'all', 'all', count(*)
from months
cross join target_accounts
group by months.period
union all
select 'target_accounts_active', months.period, 'all', 'all', 0
from months
where
    not exists (
        select 1
        from seen
        inner join companies on seen.company_id = companies.company_id
        where companies.is_target and seen.period = months.period
    )
