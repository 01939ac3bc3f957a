with

    fit_periods as (select * from {{ ref("int_fit_periods") }}),

    points_of_today as (
        select person_id, rule_id, rule_version, points, evidence
        from fit_periods
        where
            valid_from <= {{ as_of_date() }}
            and (valid_to is null or valid_to > {{ as_of_date() }})
    )

select *
from points_of_today
