{# The step from anonymous to named, by month and by the form or content that brought it about. #}
with

    identifications as (select * from {{ ref("fct_identifications") }}),
    sessions as (select * from {{ ref("fct_sessions") }} where not is_machine),

    visitors as (
        select
            {{ local_month("started_at") }} as month,
            cast(count(distinct visitor_id) as bigint) as active_visitors
        from sessions
        group by {{ local_month("started_at") }}
    ),

    identified as (
        select
            {{ local_month("identified_at") }} as month,
            coalesce(identified_by, 'other') as identified_by,
            coalesce(form_id, content_category, 'unknown') as by_what,
            cast(count(*) as bigint) as identified_visitors,
            cast(avg(anonymous_sessions) as double) as mean_anonymous_sessions,
            cast(avg(anonymous_days) as double) as mean_anonymous_days
        from identifications
        group by
            {{ local_month("identified_at") }},
            coalesce(identified_by, 'other'),
            coalesce(form_id, content_category, 'unknown')
    )

select
    identified.month,
    identified.identified_by,
    identified.by_what,
    identified.identified_visitors,
    visitors.active_visitors,
    cast(identified.identified_visitors as double)
    / nullif(visitors.active_visitors, 0) as identification_rate,
    identified.mean_anonymous_sessions,
    identified.mean_anonymous_days
from identified
left join visitors on identified.month = visitors.month
