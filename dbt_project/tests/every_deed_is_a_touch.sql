{#
  The touches take over only what is new. If a build in between was not taken over (a model built alone, by hand), deeds
  would be missing without a word: then the counts differ, and `ikusei run --full-refresh` mends it.
#}
{{ config(group="behaviour") }}

with

    told as (
        select 'web' as source, count(*) as deeds
        from {{ ref("int_page_views") }}
        union all
        select 'others' as source, count(*) as deeds
        from {{ ref("int_touches") }}
        where touch_type in (select touch_type from {{ ref("touch_types") }})
    ),

    taken as (
        select
            case when source = 'web' then 'web' else 'others' end as source,
            count(*) as deeds
        from {{ ref("fct_touches") }}
        group by case when source = 'web' then 'web' else 'others' end
    )

select told.source, told.deeds, taken.deeds as taken_deeds
from told
left join taken on told.source = taken.source
where told.deeds <> coalesce(taken.deeds, 0)
