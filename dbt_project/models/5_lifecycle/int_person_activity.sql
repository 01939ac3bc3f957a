with

    people as (select * from {{ ref("dim_people") }}),

    touches as (select * from {{ ref("fct_touches") }}),

    touch_types as (select * from {{ ref("touch_types") }}),

    mail_events as (select * from {{ ref("stg_email__events") }}),

    person_identifiers as (select * from {{ ref("person_identifiers") }}),

    states as (select * from {{ ref("states") }}),

    touches_summed as (
        select
            touches.person_id,
            max(
                case when touch_types.is_reaction then touches.occurred_at end
            ) as last_reaction_at,
            max(touches.occurred_at) as last_touch_at,
            max(
                case
                    when touches.touch_type = 'order_placed' then touches.occurred_at
                end
            ) as last_order_at
        from touches
        inner join touch_types on touches.touch_type = touch_types.touch_type
        where touches.person_id is not null and not touches.is_machine
        group by touches.person_id
    ),

    mails_counted as (
        select person_identifiers.person_id, count(*) as recent_mails
        from mail_events
        inner join
            person_identifiers
            on 'email:' || mail_events.recipient = person_identifiers.identifier
        inner join states on states.state = 'lapsing'
        where
            mail_events.event_type = 'delivered'
            and {{ age_in_days("mail_events.occurred_at") }} < states.within_days
        group by person_identifiers.person_id
    ),

    activity as (
        select
            people.person_id,
            people.first_seen_at as first_known_at,
            touches_summed.last_reaction_at,
            touches_summed.last_touch_at,
            touches_summed.last_order_at,
            cast(coalesce(mails_counted.recent_mails, 0) as integer) as recent_mails
        from people
        left join touches_summed on people.person_id = touches_summed.person_id
        left join mails_counted on people.person_id = mails_counted.person_id
    )

select *
from activity
