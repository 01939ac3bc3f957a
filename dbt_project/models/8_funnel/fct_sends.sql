{#
  What we sent to whom, on every channel, and what came of it: mails from the senders' events, letters, faxes, calls and
  short messages from what was noted down. One row per message and recipient.
#}
with

    mail_events as (select * from {{ ref("stg_email__events") }}),

    touches as (select * from {{ ref("fct_touches") }}),

    person_identifiers as (select * from {{ ref("person_identifiers") }}),

    people as (select * from {{ ref("dim_people") }}),

    tier_history as (select * from {{ ref("fct_tier_history") }}),

    -- what a mail is known by; a provider without message ids has campaign and day
    mails_known as (
        select
            coalesce(
                message_id,
                campaign_id,
                cast({{ local_date("occurred_at") }} as {{ dbt.type_string() }})
            ) as message_key,
            *
        from mail_events
        where recipient is not null
    ),

    mails as (
        select
            message_key,
            recipient,
            max(campaign_id) as campaign_id,
            max(category) as category,
            min(
                case
                    when event_type in ('queued', 'sent', 'delivered') then occurred_at
                end
            ) as sent_at,
            count(*) filter (where event_type = 'bounced') > 0 as is_bounced,
            count(*) filter (where event_type = 'unsubscribed') > 0 as is_unsubscribed,
            count(*) filter (where event_type = 'complained') > 0 as is_complained
        from mails_known
        group by message_key, recipient
    ),

    -- of the reactions only those of humans count
    reactions as (
        select
            mails_known.message_key,
            mails_known.recipient,
            count(*) filter (where touches.touch_type = 'email_opened')
            > 0 as is_opened,
            count(*) filter (where touches.touch_type = 'email_clicked')
            > 0 as is_clicked
        from mails_known
        inner join touches on mails_known.row_key = touches.row_key
        where touches.source = 'email' and not touches.is_machine
        group by mails_known.message_key, mails_known.recipient
    ),

    sends as (
        select
            {{ surrogate_key(["'email'", "mails.message_key", "mails.recipient"]) }}
            as send_id,
            person_identifiers.person_id,
            'email' as channel,
            mails.campaign_id,
            coalesce(
                mails.category, mails.campaign_id, mails.message_key
            ) as content_id,
            mails.sent_at,
            mails.is_bounced,
            mails.is_unsubscribed,
            mails.is_complained,
            coalesce(reactions.is_opened, false) as is_opened,
            coalesce(reactions.is_clicked, false) as is_clicked
        from mails
        left join
            person_identifiers
            on 'email:' || mails.recipient = person_identifiers.identifier
        left join
            reactions
            on mails.message_key = reactions.message_key
            and mails.recipient = reactions.recipient
        where mails.sent_at is not null
        union all
        select
            touch_id,
            person_id,
            channel,
            campaign_id,
            coalesce(detail, campaign_id, touch_type),
            occurred_at,
            false,
            false,
            false,
            false,
            false
        from touches
        where
            touch_type in ('dm', 'fax', 'call', 'sms_sent', 'paper')
            and (source = 'touches' or touch_type <> 'call')
            and not is_machine
    ),

    -- whether the person reacted to any of the five sends before this one
    sends_numbered as (
        select
            *,
            row_number() over (
                partition by person_id order by sent_at, send_id
            ) as send_number,
            max(case when is_opened or is_clicked then 1 else 0 end) over (
                partition by person_id
                order by sent_at, send_id
                rows between 5 preceding and 1 preceding
            ) as reacted_lately
        from sends
    )

select
    sends_numbered.send_id,
    sends_numbered.person_id,
    sends_numbered.channel,
    sends_numbered.campaign_id,
    sends_numbered.content_id,
    sends_numbered.sent_at,
    {{ local_date("sends_numbered.sent_at") }} as sent_on,
    {{ local_month("sends_numbered.sent_at") }} as sent_month,
    tier_history.tier,
    people.industry,
    sends_numbered.is_bounced,
    sends_numbered.is_opened,
    sends_numbered.is_clicked,
    sends_numbered.is_unsubscribed,
    sends_numbered.is_complained,
    coalesce(
        sends_numbered.person_id is not null
        and sends_numbered.send_number > 5
        and sends_numbered.reacted_lately = 0,
        false
    ) as is_unwanted
from sends_numbered
left join people on sends_numbered.person_id = people.person_id
left join
    tier_history
    on sends_numbered.person_id = tier_history.person_id
    and sends_numbered.sent_at >= tier_history.valid_from
    and (
        tier_history.valid_to is null or sends_numbered.sent_at < tier_history.valid_to
    )
