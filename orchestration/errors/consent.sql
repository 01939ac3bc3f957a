-- Rows of the sync plan, against what each person truly allows at the end of the as-of day.
-- A row whose address bounced or complained is held back for its own good reason.
with
    allowed as (
        select person_key, email, channel, status
        from truth.consents
        where
            valid_from < getvariable('as_of_end')
            and (valid_to is null or valid_to >= getvariable('as_of_end'))
    ),
    -- The model of sync_a__b feeds the sync a_b: every one of them is judged, also one that is
    -- added tomorrow.
    judged as (
        select
            candidates.sync,
            candidates.sync_key,
            planned.sync_key is not null as is_planned,
            people.is_internal,
            exists (
                select 1 from allowed
                where allowed.status = 'denied' and allowed.channel = 'email'
                    and (allowed.person_key = person_keys.person_key or allowed.email = candidates.email)
            ) as is_denied,
            exists (
                select 1 from allowed
                where allowed.status = 'denied' and allowed.channel = 'email'
                    and (
                        allowed.email = candidates.email
                        or exists (
                            select 1 from identity.person_identifiers as identifiers
                            where
                                identifiers.person_id = candidates.person_id
                                and identifiers.identifier = 'email:' || lower(allowed.email)
                        )
                    )
            ) as is_known_to_be_denied,
            exists (
                select 1 from raw_email.events as events
                where events.recipient = candidates.email
                    and events.event_type in ('bounced', 'rejected', 'complained')
            ) as is_failing
        from candidates
        inner join identity.dim_people as people on candidates.person_id = people.person_id
        left join person_keys on candidates.person_id = person_keys.person_id
        left join planned
            on candidates.sync = planned.sync and candidates.sync_key = planned.sync_key
        where exists (select 1 from truth.consents)
    ),
    words as (
        select
            allowed.person_key,
            coalesce(consents.status = min(allowed.status), false) as is_right
        from allowed
        inner join person_ids on allowed.person_key = person_ids.person_key
        left join lifecycle.lead_consents as consents
            on person_ids.person_id = consents.person_id and allowed.channel = consents.channel
        group by allowed.person_key, allowed.channel, consents.status
    )
select 'violations' as measure, null as trouble, count(*) filter (where is_denied) as value, count(*) as n
from judged
where is_planned
union all
-- Who said no from the address of a former job, and whom nothing links to the new one, said
-- it to us all the same; this counts the others.
select 'violations_against_what_is_known', null, count(*) filter (where is_known_to_be_denied), count(*)
from judged
where is_planned
union all
select 'needless_withholding', null, avg(cast(not is_planned as integer)), count(*)
from judged
where sync like '%_routed_leads' and sync in (select sync from planned)
    and not is_denied and not is_failing and not is_internal
union all
select 'status_accuracy', null, avg(cast(is_right as integer)), count(*) from words
union all
select 'status_accuracy', person_troubles.trouble, avg(cast(words.is_right as integer)), count(*)
from words
inner join person_troubles on words.person_key = person_troubles.person_key
group by person_troubles.trouble
