-- Pairs of identifiers: joined by the marts and truly one person's (precision), truly one
-- person's and joined (recall). A shared mailbox is nobody's alone, so no pair with it must
-- be found. Page views: given to a person and truly hers, truly hers and given to her.
with
    joined_pairs as (
        select
            lefts.identifier as left_identifier,
            rights.identifier as right_identifier,
            bool_or(lefts.person_key = rights.person_key) as is_right
        from known as lefts
        inner join known as rights
            on lefts.person_id = rights.person_id and lefts.identifier < rights.identifier
        group by lefts.identifier, rights.identifier
    ),
    true_pairs as (
        select
            lefts.identifier as left_identifier,
            rights.identifier as right_identifier,
            bool_or(lefts.person_id = rights.person_id) as is_right
        from known as lefts
        inner join known as rights
            on lefts.person_key = rights.person_key and lefts.identifier < rights.identifier
        where not lefts.is_shared and not rights.is_shared
        group by lefts.identifier, rights.identifier
    ),
    pairs as (
        select 'pair_precision' as measure, * from joined_pairs
        union all
        select 'pair_recall', * from true_pairs
    ),
    troubles_of_identifiers as (
        select identifier, trouble from known where trouble is not null
        union
        select known.identifier, person_troubles.trouble
        from known
        inner join person_troubles on known.person_key = person_troubles.person_key
    ),
    troubles_of_pairs as (
        select pairs.*, troubles.trouble
        from pairs
        inner join troubles_of_identifiers as troubles
            on pairs.left_identifier = troubles.identifier
        union
        select pairs.*, troubles.trouble
        from pairs
        inner join troubles_of_identifiers as troubles
            on pairs.right_identifier = troubles.identifier
    ),
    people_whole as (
        select
            person_ids.person_key,
            count(distinct known.person_id) = 1
            and not exists (
                select 1 from known as others
                where others.person_id = person_ids.person_id
                    and others.person_key <> person_ids.person_key
                    and not others.is_shared
            ) as is_right
        from person_ids
        inner join known on person_ids.person_key = known.person_key and not known.is_shared
        group by person_ids.person_key, person_ids.person_id
    ),
    views as (
        select
            'cookie_time_precision' as measure,
            web_touches.touch_id,
            web_touches.person_key,
            web_touches.trouble,
            web_touches.cookie,
            coalesce(person_keys.person_key = web_touches.person_key, false) as is_right
        from web_touches
        left join person_keys on web_touches.person_id = person_keys.person_id
        where web_touches.person_id is not null and not web_touches.is_called_machine
        union all
        select
            'cookie_time_recall',
            web_touches.touch_id,
            web_touches.person_key,
            web_touches.trouble,
            web_touches.cookie,
            coalesce(person_keys.person_key = web_touches.person_key, false)
        from web_touches
        inner join person_ids on web_touches.person_key = person_ids.person_key
        left join person_keys on web_touches.person_id = person_keys.person_id
        where not web_touches.is_machine
    ),
    -- Of browsers of which a form or the click of a mail says whose they are: more than this
    -- no reader of logs can find.
    views_of_told_browsers as (
        select views.is_right
        from views
        where
            views.measure = 'cookie_time_recall'
            and exists (
                select 1
                from truth.identifiers as cookies
                where
                    cookies.kind = 'cookie'
                    and cookies.is_tied
                    and views.cookie = cookies.value
                    and views.person_key = cookies.person_key
            )
    ),
    -- What befell a browser is told by its log lines and its cookie; of the person it says
    -- only what changed who she is to us.
    troubles_of_views as (
        select measure, touch_id, trouble, is_right from views where trouble is not null
        union
        select views.measure, views.touch_id, person_troubles.trouble, views.is_right
        from views
        inner join person_troubles on views.person_key = person_troubles.person_key
        where person_troubles.trouble in ('job_change', 'shared_mailbox', 'mistyped_address')
        union
        select views.measure, views.touch_id, cookies.trouble, views.is_right
        from views
        inner join truth.identifiers as cookies
            on cookies.kind = 'cookie'
            and views.cookie = cookies.value
            and views.person_key is not distinct from cookies.person_key
        where cookies.trouble is not null
    ),
    cases as (
        select measure, null as trouble, is_right from pairs
        union all
        select measure, trouble, is_right from troubles_of_pairs
        union all
        select measure, null, is_right from views
        union all
        select 'cookie_time_recall_where_told', null, is_right from views_of_told_browsers
        union all
        select measure, trouble, is_right from troubles_of_views
        union all
        select 'person_exact_share', null, is_right from people_whole
        union all
        select 'person_exact_share', person_troubles.trouble, people_whole.is_right
        from people_whole
        inner join person_troubles on people_whole.person_key = person_troubles.person_key
    )
select measure, trouble, avg(cast(is_right as integer)) as value, count(*) as n
from cases
group by measure, trouble
