with

    touches as (select * from {{ ref("fct_touches") }}),

    -- a visit, or a deed of a campaign: what sellers do by themselves is no marketing
    deeds as (
        select
            person_id,
            channel,
            campaign_id,
            occurred_at,
            coalesce(
                session_id,
                cast({{ local_date("occurred_at") }} as {{ dbt.type_string() }})
            ) as occasion
        from touches
        where
            person_id is not null
            and channel is not null
            and not is_machine
            and (session_id is not null or campaign_id is not null)
    ),

    touchpoints as (
        select
            {{ surrogate_key(["person_id", "occasion", "channel", "campaign_id"]) }}
            as touchpoint_id,
            person_id,
            channel,
            campaign_id,
            min(occurred_at) as touched_at
        from deeds
        group by person_id, occasion, channel, campaign_id
    )

select *
from touchpoints
