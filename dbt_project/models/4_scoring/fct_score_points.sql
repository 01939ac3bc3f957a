{#
  A view: points fade every day, so a table would be written anew every day. Whoever reads it works the points out;
  what is published holds them as a table.
#}
{{ config(materialized="view") }}
with

    behaviour_points as (select * from {{ ref("int_behaviour_points") }}),
    fit_points as (select * from {{ ref("int_fit_points") }}),

    points as (
        select
            person_id,
            touch_id,
            rule_id,
            rule_version,
            'behaviour' as score_kind,
            points,
            nominal_points,
            occurred_at,
            was_anonymous,
            evidence,
            cast(age_days as bigint) as age_days
        from behaviour_points
        union all
        select
            person_id,
            cast(null as {{ dbt.type_string() }}) as touch_id,
            rule_id,
            rule_version,
            'fit' as score_kind,
            points,
            points as nominal_points,
            cast(null as timestamp) as occurred_at,
            false as was_anonymous,
            evidence,
            cast(null as bigint) as age_days
        from fit_points
    )

select *
from points
