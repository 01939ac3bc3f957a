{# K12: of the leads without a deal, who came back: all, by month of the lead, and by what they read in 90 days. #}
with

    followed as (select * from {{ ref("fct_leads_followed") }} where is_current),

    topics as (
        select followed.person_id, degrees.topic_kind, degrees.topic_id
        from followed
        inner join
            {{ ref("fct_nurture_degree") }} as degrees
            on followed.person_id = degrees.person_id
        where
            degrees.topic_kind in ('product', 'content')
            and degrees.last_deed_at >= {{ dbt.dateadd("day", -90, as_of_end()) }}
    ),

    told as (
        select 'all' as segment_kind, 'all' as segment_id, person_id
        from followed
        union all
        select 'lead_month', cast(lead_month as {{ dbt.type_string() }}), person_id
        from followed
        union all
        select topic_kind, topic_id, person_id
        from topics
    )

select
    {{ surrogate_key(["told.segment_kind", "told.segment_id"]) }} as returning_id,
    told.segment_kind,
    told.segment_id,
    cast(count(*) as bigint) as leads_unconverted,
    cast(count(*) filter (where followed.sessions_30d > 0) as bigint) as returned_30d,
    cast(count(*) filter (where followed.sessions_90d > 0) as bigint) as returned_90d,
    cast(sum(followed.sessions_90d) as bigint) as sessions_90d,
    cast(count(*) filter (where followed.is_ripening) as bigint) as ripening,
    max(followed.last_visit_at) as last_visit_at
from told
inner join followed on told.person_id = followed.person_id
group by told.segment_kind, told.segment_id
