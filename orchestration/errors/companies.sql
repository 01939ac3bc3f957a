-- Pairs of people: put at one company today and truly ever colleagues (precision), truly
-- ever colleagues and ever put so (recall). A company that merged counts as the one that it
-- became.
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
    -- Who changes jobs is truly at each company in turn, and in the marts as well.
    true_jobs as (
        select distinct people.person_key, final_companies.became as true_company
        from truth.people as people
        cross join unnest(people.company_keys) as jobs (company_key)
        inner join final_companies on jobs.company_key = final_companies.company_key
    ),
    placed as (
        select people.person_key, marts.person_id, marts.company_id
        from truth.people as people
        inner join person_ids on people.person_key = person_ids.person_key
        inner join identity.dim_people as marts on person_ids.person_id = marts.person_id
    ),
    found_jobs as (
        select person_key, company_id from placed where company_id is not null
        union
        select placed.person_key, employments.company_id
        from placed
        inner join identity.dim_employments as employments
            on placed.person_id = employments.person_id
        where employments.company_id is not null
    ),
    colleagues as (
        select distinct lefts.person_key as left_key, rights.person_key as right_key
        from true_jobs as lefts
        inner join true_jobs as rights
            on lefts.true_company = rights.true_company and lefts.person_key < rights.person_key
    ),
    found_colleagues as (
        select distinct lefts.person_key as left_key, rights.person_key as right_key
        from found_jobs as lefts
        inner join found_jobs as rights
            on lefts.company_id = rights.company_id and lefts.person_key < rights.person_key
    ),
    pairs as (
        select
            'pair_precision' as measure,
            lefts.person_key as left_key,
            rights.person_key as right_key,
            colleagues.left_key is not null as is_right
        from placed as lefts
        inner join placed as rights
            on lefts.company_id = rights.company_id and lefts.person_key < rights.person_key
        left join colleagues
            on lefts.person_key = colleagues.left_key and rights.person_key = colleagues.right_key
        union all
        select
            'pair_recall',
            colleagues.left_key,
            colleagues.right_key,
            found_colleagues.left_key is not null
        from colleagues
        inner join placed as lefts on colleagues.left_key = lefts.person_key
        inner join placed as rights on colleagues.right_key = rights.person_key
        left join found_colleagues
            on colleagues.left_key = found_colleagues.left_key
            and colleagues.right_key = found_colleagues.right_key
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
