{# Applied, given a seat or not, came: an application is no attendance. #}
with

    touches as (
        select *
        from {{ ref("fct_touches") }}
        where
            touch_type in (
                'seminar_application',
                'seminar_applied',
                'seminar_accepted',
                'seminar_declined',
                'seminar_cancelled',
                'seminar_attended'
            )
    ),
    seminars as (select * from {{ ref("seminars") }}),

    -- A form of ours names the event by its own id, a list by its campaign.
    deeds as (
        select
            coalesce(
                case when touch_type = 'seminar_application' then form_id end,
                campaign_id,
                detail,
                'unnamed'
            ) as event_id,
            person_id,
            touch_type,
            occurred_at
        from touches
        where person_id is not null
    ),

    visits as (
        select
            deeds.event_id,
            deeds.person_id,
            min(occurred_at) filter (
                where touch_type in ('seminar_application', 'seminar_applied')
            ) as applied_at,
            min(occurred_at) filter (
                where touch_type = 'seminar_accepted'
            ) as accepted_at,
            min(occurred_at) filter (
                where touch_type = 'seminar_declined'
            ) as declined_at,
            min(occurred_at) filter (
                where touch_type = 'seminar_cancelled'
            ) as cancelled_at,
            min(occurred_at) filter (
                where touch_type = 'seminar_attended'
            ) as attended_at
        from deeds
        group by deeds.event_id, deeds.person_id
    ),

    -- An event that somebody came to was held, whatever the calendar of seminars says.
    held as (
        select event_id, min(attended_at) as first_attended_at
        from visits
        group by event_id
    ),

    -- Expected is who was given a seat, or applied where nobody needs one.
    visits_judged as (
        select
            visits.event_id,
            visits.person_id,
            visits.applied_at,
            visits.accepted_at,
            visits.declined_at,
            visits.cancelled_at,
            visits.attended_at,
            seminars.capacity,
            visits.declined_at is null
            and visits.cancelled_at is null
            and (
                visits.accepted_at is not null
                or (
                    visits.applied_at is not null
                    and not coalesce(seminars.needs_seat, false)
                )
            ) as was_expected,
            coalesce(
                held.first_attended_at is not null
                or seminars.held_on < {{ as_of_date() }},
                false
            ) as was_held
        from visits
        inner join held on visits.event_id = held.event_id
        left join seminars on visits.event_id = seminars.event_id
    )

select *, was_expected and was_held and attended_at is null as is_no_show
from visits_judged
