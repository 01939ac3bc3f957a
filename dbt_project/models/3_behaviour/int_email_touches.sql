with

    events as (select * from {{ ref("stg_email__events") }}),
    touch_types as (select * from {{ ref("email_touch_types") }}),
    machine_rules as (select * from {{ ref("machine_rules") }}),

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

    reactions_judged as (
        select reactions.row_key, min(machine_rules.rule_id) as machine_rule_id
        from reactions
        inner join
            machine_rules
            on (machine_rules.kind = 'mail_flag' and reactions.is_machine)
            or (
                machine_rules.kind = 'click_after_delivery'
                and reactions.touch_type = 'email_clicked'
                and
                {{ seconds_between("reactions.delivered_at", "reactions.occurred_at") }}
                <= machine_rules.threshold
            )
        group by reactions.row_key
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
