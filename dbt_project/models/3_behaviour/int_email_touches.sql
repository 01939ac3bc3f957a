with

    events as (select * from {{ ref("stg_email__events") }}),
    touch_types as (select * from {{ ref("email_touch_types") }}),
    machine_rules as (select * from {{ ref("machine_rules_in_force") }}),

    deliveries as (
        select recipient, message_id, min(occurred_at) as delivered_at
        from events
        where event_type = 'delivered' and message_id is not null
        group by recipient, message_id
    ),

    reactions as (
        select events.*, touch_types.touch_type, deliveries.delivered_at
        from events
        inner join touch_types on events.event_type = touch_types.event_type
        left join
            deliveries
            on events.recipient = deliveries.recipient
            and events.message_id = deliveries.message_id
    ),

    clicks as (select * from reactions where touch_type = 'email_clicked'),

    -- A burst begins at a click that is followed by enough other links at once; the
    -- clicks of the burst are judged together.
    bursts as (
        select
            first_clicks.recipient,
            first_clicks.message_id,
            first_clicks.occurred_at as burst_from,
            machine_rules.rule_id,
            machine_rules.within_seconds
        from clicks as first_clicks
        inner join
            clicks as next_clicks
            on first_clicks.recipient = next_clicks.recipient
            and first_clicks.message_id = next_clicks.message_id
        inner join machine_rules on machine_rules.kind = 'links_in_seconds'
        where
            next_clicks.occurred_at >= first_clicks.occurred_at
            and
            {{ seconds_between("first_clicks.occurred_at", "next_clicks.occurred_at") }}
            < machine_rules.within_seconds
        group by
            first_clicks.recipient,
            first_clicks.message_id,
            first_clicks.occurred_at,
            machine_rules.rule_id,
            machine_rules.threshold,
            machine_rules.within_seconds
        having count(distinct next_clicks.url) >= machine_rules.threshold
    ),

    verdicts as (
        select reactions.row_key, machine_rules.rule_id
        from reactions
        inner join
            machine_rules
            on (machine_rules.kind = 'mail_flag' and reactions.is_machine)
            or (
                machine_rules.kind = 'mail_user_agent'
                and lower(reactions.user_agent) like machine_rules.pattern
            )
            or (
                machine_rules.kind = 'click_after_delivery'
                and reactions.touch_type = 'email_clicked'
                and
                {{ seconds_between("reactions.delivered_at", "reactions.occurred_at") }}
                <= machine_rules.threshold
            )
        where
            machine_rules.kind
            in ('mail_flag', 'mail_user_agent', 'click_after_delivery')
        union all
        select clicks.row_key, bursts.rule_id
        from clicks
        inner join
            bursts
            on clicks.recipient = bursts.recipient
            and clicks.message_id = bursts.message_id
        where
            clicks.occurred_at >= bursts.burst_from
            and {{ seconds_between("bursts.burst_from", "clicks.occurred_at") }}
            < bursts.within_seconds
    ),

    reactions_judged as (
        select row_key, min(rule_id) as machine_rule_id from verdicts group by row_key
    )

select
    reactions.row_key,
    'email:' || reactions.recipient as identifier,
    reactions.occurred_at,
    reactions.touch_type,
    reactions.campaign_id,
    reactions.mail_token,
    -- The link without its parameters: they hold the person's token.
    coalesce(
        split_part(reactions.url, '?', 1), reactions.category, reactions.reject_reason
    ) as detail,
    reactions_judged.machine_rule_id
from reactions
left join reactions_judged on reactions.row_key = reactions_judged.row_key
