{#
  Months in which the form passes are not to be believed as they stand: most came from machines, or most were sent by
  browsers that no human visit of our pages is known of, although the log of that month was read.
#}
with

    touches as (select * from {{ ref("fct_touches") }}),
    touch_types as (select * from {{ ref("touch_types") }}),
    sessions as (select * from {{ ref("fct_sessions") }}),

    months_logged as (
        select distinct {{ local_month("started_at") }} as month from sessions
    ),

    visitors_human as (select distinct visitor_id from sessions where not is_machine),

    passes as (
        select
            {{ local_month("touches.occurred_at") }} as month,
            touches.is_machine,
            visitors_human.visitor_id is not null as has_human_visit
        from touches
        inner join touch_types on touches.touch_type = touch_types.touch_type
        left join visitors_human on touches.visitor_id = visitors_human.visitor_id
        where touch_types.is_form_pass
    ),

    months as (
        select
            passes.month,
            cast(count(*) as bigint) as form_passes,
            cast(
                sum(case when passes.is_machine then 1 else 0 end) as bigint
            ) as form_passes_machine,
            cast(
                sum(
                    case
                        when not passes.is_machine and not passes.has_human_visit
                        then 1
                        else 0
                    end
                ) as bigint
            ) as form_passes_unseen,
            max(case when months_logged.month is not null then 1 else 0 end)
            = 1 as has_log
        from passes
        left join months_logged on passes.month = months_logged.month
        group by passes.month
    )

select
    month,
    form_passes,
    form_passes_machine,
    form_passes_unseen,
    case
        when form_passes_machine * 2 > form_passes
        then 'mostly_machines'
        else 'mostly_unseen'
    end as warning
from months
where
    form_passes_machine * 2 > form_passes
    or (has_log and (form_passes_machine + form_passes_unseen) * 2 > form_passes)
