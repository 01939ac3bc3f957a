with

    people as (select * from {{ ref("dim_people") }}),

    companies as (select * from {{ ref("dim_companies") }}),

    leads_asking as (select * from {{ ref("int_leads_asking") }}),

    -- The deed that lifted the person into the highest band that they ever reached.
    peaks as (select * from {{ ref("fct_score_peaks") }}),

    areas as (select * from {{ ref("areas") }}),

    -- who asked is routed for what they asked, even if the score came first
    triggers as (
        select
            people.person_id,
            people.company_id,
            people.department_category,
            coalesce(people.industry, companies.industry) as account,
            areas.area,
            leads_asking.person_id is not null as has_asked,
            coalesce(leads_asking.trigger_touch_id, peaks.touch_id) as trigger_touch_id,
            coalesce(
                leads_asking.trigger_touch_type, peaks.touch_type
            ) as trigger_touch_type,
            coalesce(leads_asking.routed_at, peaks.occurred_at) as routed_at,
            leads_asking.form_kind,
            leads_asking.product_id,
            leads_asking.solution_id,
            peaks.score_band
        from people
        left join companies on people.company_id = companies.company_id
        left join leads_asking on people.person_id = leads_asking.person_id
        left join peaks on people.person_id = peaks.person_id
        left join
            areas
            on coalesce(people.prefecture, companies.prefecture) = areas.prefecture
        where not people.is_internal
    )

select *
from triggers
where routed_at is not null
