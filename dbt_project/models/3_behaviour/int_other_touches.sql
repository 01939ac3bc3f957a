{# Deeds told by lists of contacts, surveys, the service desk, the points ledger and social networks. What is no deed
   (record_only of stg_touches__entries: another tool changed a score, merged two records) has no touch type and stays out. #}
with

    entries as (select * from {{ ref("stg_touches__entries") }}),
    answers as (select * from {{ ref("stg_surveys__answers") }}),
    tickets as (select * from {{ ref("stg_service__tickets") }}),
    bookings as (select * from {{ ref("stg_points__ledger") }}),
    social as (select * from {{ ref("stg_social__touches") }}),
    reasons as (select * from {{ ref("point_reasons") }}),
    records as (select * from {{ ref("record_identifiers") }}),
    touch_types as (select * from {{ ref("touch_types") }}),

    deeds as (
        select
            'touches' as source,
            row_key,
            cast(null as {{ dbt.type_string() }}) as visitor_id,
            cast(null as {{ dbt.type_string() }}) as spare_identifier,
            occurred_at,
            time_precision,
            touch_type,
            'offline' as channel,
            product_id,
            campaign_id,
            subject as detail
        from entries
        union all
        -- The answers of one person on one day are one deed.
        select
            'surveys' as source,
            response_id as row_key,
            min(visitor_id) as visitor_id,
            'mail_token:' || min(mail_token) as spare_identifier,
            min(answered_at) as occurred_at,
            min(time_precision) as time_precision,
            'survey_reply' as touch_type,
            'offline' as channel,
            min(product_id) as product_id,
            min(campaign_id) as campaign_id,
            min(coalesce(survey_name, survey_id)) as detail
        from answers
        group by response_id
        union all
        select
            'service' as source,
            row_key,
            null as visitor_id,
            null as spare_identifier,
            opened_at as occurred_at,
            time_precision,
            case
                when ticket_kind in ('complaint', 'cancellation')
                then ticket_kind
                else 'support_ticket'
            end as touch_type,
            'offline' as channel,
            product_id,
            null as campaign_id,
            subject as detail
        from tickets
        union all
        select
            'points' as source,
            bookings.row_key,
            null as visitor_id,
            'member:' || bookings.member_id as spare_identifier,
            bookings.occurred_at,
            bookings.time_precision,
            case
                when bookings.points < 0 then 'points_used' else 'points_earned'
            end as touch_type,
            'offline' as channel,
            null as product_id,
            bookings.campaign_id,
            coalesce(bookings.order_id, bookings.points_reason) as detail
        from bookings
        left join reasons on bookings.points_reason = reasons.reason
        where coalesce(reasons.is_deed, true)
        union all
        select
            'social' as source,
            row_key,
            null as visitor_id,
            'social_account:' || network || ':' || account as spare_identifier,
            occurred_at,
            time_precision,
            'social_' || touch_type as touch_type,
            'social' as channel,
            product_id,
            campaign_id,
            coalesce(url, network) as detail
        from social
    )

select
    deeds.source,
    deeds.row_key,
    deeds.visitor_id,
    -- Identity knows the person; else the deed waits under what was seen.
    coalesce(records.identifier, deeds.spare_identifier) as identifier,
    deeds.occurred_at,
    deeds.time_precision,
    touch_types.touch_type,
    -- What another tool tells of the web or of its mails was not done offline.
    case
        when deeds.source <> 'touches' or touch_types.data_class <> 'online'
        then deeds.channel
        when
            touch_types.touch_type
            in ('email_opened', 'email_clicked', 'email_unsubscribed', 'email_bounced')
        then 'email'
        else 'unassigned'
    end as channel,
    deeds.product_id,
    deeds.campaign_id,
    deeds.detail
from deeds
inner join touch_types on deeds.touch_type = touch_types.touch_type
left join records on deeds.row_key = records.row_key and deeds.source = records.source
