-- The tier of each person, at the as-of day and at the end of each month before it.
with
    moments as (
        select getvariable('as_of_end') as moment, true as is_as_of
        union all
        select month_end, false
        from (select unnest(getvariable('month_ends')) as month_end)
        where month_end < getvariable('as_of_end')
    ),
    true_tiers as (
        select moments.moment, moments.is_as_of, tiers.person_key, tiers.tier
        from truth.tiers as tiers
        inner join moments
            on tiers.valid_from < moments.moment
            and (tiers.valid_to is null or tiers.valid_to >= moments.moment)
    ),
    compared as (
        select
            true_tiers.moment,
            true_tiers.is_as_of,
            true_tiers.person_key,
            coalesce(bool_or(history.tier = true_tiers.tier), false) as is_right
        from true_tiers
        inner join person_ids on true_tiers.person_key = person_ids.person_key
        left join lifecycle.fct_tier_history as history
            on person_ids.person_id = history.person_id
            and history.valid_from < true_tiers.moment
            and (history.valid_to is null or history.valid_to >= true_tiers.moment)
        group by true_tiers.moment, true_tiers.is_as_of, true_tiers.person_key, true_tiers.tier
    ),
    by_month as (
        select avg(cast(is_right as integer)) as value, count(*) as n
        from compared
        where not is_as_of
        group by moment
    )
select 'accuracy_at_as_of' as measure, null as trouble, avg(cast(is_right as integer)) as value, count(*) as n
from compared
where is_as_of
union all
select 'accuracy_at_as_of', person_troubles.trouble, avg(cast(is_right as integer)), count(*)
from compared
inner join person_troubles on compared.person_key = person_troubles.person_key
where is_as_of
group by person_troubles.trouble
union all
select 'accuracy_at_month_ends', null, avg(cast(is_right as integer)), count(*)
from compared
where not is_as_of
union all
select 'accuracy_at_worst_month_end', null, min(value), min_by(n, value) from by_month
