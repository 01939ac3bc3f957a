-- Pairs of people: put at one company and truly there (precision), truly at one company
-- and put there (recall). A company that merged counts as the one that it became.
with recursive
    merged as (
        select company_key, company_key as became, 0 as steps from truth.companies
        union all
        select merged.company_key, companies.merged_into, merged.steps + 1
        from merged
        inner join truth.companies as companies on merged.became = companies.company_key
        where companies.merged_into is not null and merged.steps < 9
    ),
    final_companies as (
        select company_key, max_by(became, steps) as became from merged group by company_key
    ),
    placed as (
        select
            people.person_key,
            final_companies.became as true_company,
            marts.company_id
        from truth.people as people
        inner join person_ids on people.person_key = person_ids.person_key
        inner join identity.dim_people as marts on person_ids.person_id = marts.person_id
        left join final_companies on people.company_key = final_companies.company_key
    ),
    pairs as (
        select
            'pair_precision' as measure,
            lefts.person_key as left_key,
            rights.person_key as right_key,
            coalesce(lefts.true_company = rights.true_company, false) as is_right
        from placed as lefts
        inner join placed as rights
            on lefts.company_id = rights.company_id and lefts.person_key < rights.person_key
        union all
        select
            'pair_recall',
            lefts.person_key,
            rights.person_key,
            coalesce(lefts.company_id = rights.company_id, false)
        from placed as lefts
        inner join placed as rights
            on lefts.true_company = rights.true_company and lefts.person_key < rights.person_key
    ),
    troubles_of_people as (
        select person_key, trouble from person_troubles
        union
        select people.person_key, companies.trouble
        from truth.people as people
        inner join truth.companies as companies on people.company_key = companies.company_key
        where companies.trouble is not null
    ),
    troubles_of_pairs as (
        select pairs.*, troubles.trouble
        from pairs
        inner join troubles_of_people as troubles on pairs.left_key = troubles.person_key
        union
        select pairs.*, troubles.trouble
        from pairs
        inner join troubles_of_people as troubles on pairs.right_key = troubles.person_key
    ),
    cases as (
        select measure, cast(null as varchar) as trouble, is_right from pairs
        union all
        select measure, trouble, is_right from troubles_of_pairs
    )
select measure, trouble, avg(cast(is_right as integer)) as value, count(*) as n
from cases
group by measure, trouble
