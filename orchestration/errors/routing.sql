-- Who should have the lead by the agreed policy and the true attributes, and who got it.
-- Who asked is a fact; who is ripe without asking can only be guessed by the score.
with
    due as (
        select routes.person_key, routes.right_owner, coalesce(routes.reason, 'asked') = 'asked' as has_asked
        from truth.routes as routes
        inner join person_ids on routes.person_key = person_ids.person_key
        where routes.right_owner is not null and routes.due_at < getvariable('as_of_end')
        qualify row_number() over (partition by routes.person_key order by routes.due_at desc) = 1
    ),
    latest as (
        select person_id, owner_unit_id
        from routing.fct_lead_routes
        qualify row_number() over (partition by person_id order by routed_at desc, route_id) = 1
    ),
    compared as (
        select
            due.person_key,
            due.has_asked,
            latest.person_id is not null as is_routed,
            coalesce(latest.owner_unit_id = due.right_owner, false) as is_right
        from due
        inner join person_ids on due.person_key = person_ids.person_key
        left join latest on person_ids.person_id = latest.person_id
    ),
    -- Requests of which two reps were told and nobody acted for days: does the hand-over of
    -- that request show it? Younger ones than a week may still be in time.
    waited as (
        select waits.person_key, handoffs.is_contact_late or handoffs.escalated_at is not null as is_found
        from truth.waits as waits
        inner join person_ids on waits.person_key = person_ids.person_key
        inner join due on waits.person_key = due.person_key and due.has_asked
        inner join routing.fct_handoffs as handoffs
            on person_ids.person_id = handoffs.person_id
            and handoffs.routed_at > waits.handed_at - interval 1 day
            and handoffs.routed_at <= waits.handed_at
        where waits.handed_at < getvariable('as_of_end') - interval 7 day
    ),
    cases as (
        select 'waiting_reps_found_share' as measure, null as trouble, is_found as is_right from waited
        union all
        select 'right_owner_share' as measure, null as trouble, is_right from compared
        union all
        select 'right_owner_share_of_asking', null, is_right from compared where has_asked
        union all
        select 'right_owner_share_of_asking', person_troubles.trouble, compared.is_right
        from compared
        inner join person_troubles on compared.person_key = person_troubles.person_key
        where compared.has_asked
        union all
        select 'right_owner_share_of_ripe', null, is_right from compared where not has_asked
        union all
        select 'due_and_routed_share', null, is_routed from compared
        union all
        select 'routed_and_due_share', null, due.person_key is not null
        from latest
        inner join person_keys on latest.person_id = person_keys.person_id
        left join due on person_keys.person_key = due.person_key
        where exists (select 1 from truth.routes)
    )
select measure, trouble, avg(cast(is_right as integer)) as value, count(*) as n
from cases
group by measure, trouble
