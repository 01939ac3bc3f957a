with

    sightings as (select * from {{ ref("int_person_sightings") }}),

    -- What is only addressed to somebody is no news of where he works.
    employments_opened as (
        select person_id, company_id, min(seen_at) as opened_at
        from sightings
        where company_id is not null
        group by person_id, company_id
    ),

    spans as (
        select
            person_id,
            company_id,
            opened_at,
            case
                when
                    lag(opened_at) over (
                        partition by person_id order by opened_at, company_id
                    )
                    is null
                then cast('1900-01-01' as timestamp)
                else opened_at
            end as span_from,
            coalesce(
                lead(opened_at) over (
                    partition by person_id order by opened_at, company_id
                ),
                cast('9999-12-31' as timestamp)
            ) as span_to
        from employments_opened
    )

select person_id, company_id, span_from, span_to
from spans
where span_from < span_to
