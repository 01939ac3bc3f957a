{# Old channels and the ones that took their place, side by side: letter and mail, seminar and webinar, paper and file. #}
with

    touches as (select * from {{ ref("fct_touches") }} where not is_machine),
    channel_kinds as (
        select * from {{ ref("channel_kinds") }} where counterpart is not null
    ),

    deeds as (
        select
            {{ local_month("occurred_at") }} as month,
            person_id,
            -- What is done on a page of ours is told by the deed, not by the way here.
            case
                when touch_type in ('document_request', 'document_view')
                then 'download'
                when touch_type = 'seminar_application'
                then 'webinar'
                when source = 'email' or data_class = 'offline'
                then channel
            end as channel
        from touches
    )

select
    deeds.month,
    channel_kinds.counterpart,
    channel_kinds.channel,
    channel_kinds.data_class,
    cast(count(*) as bigint) as touches,
    cast(count(distinct deeds.person_id) as bigint) as people
from deeds
inner join channel_kinds on deeds.channel = channel_kinds.channel
group by
    deeds.month,
    channel_kinds.counterpart,
    channel_kinds.channel,
    channel_kinds.data_class
