{# The tracking plan against what arrives: kept, lacking what it needs, never seen; and what nobody has planned. #}
with

    plan as (select * from {{ ref("tracking_plan") }}),
    arrivals as (select * from {{ ref("fct_tracking_arrivals") }}),

    -- An arrival keeps the first row of the plan that knows it.
    arrivals_ranked as (
        select
            arrivals.*,
            plan.plan_id,
            plan.needs,
            row_number() over (
                partition by arrivals.what, arrivals.name order by plan.priority
            ) as match_rank
        from arrivals
        left join plan on arrivals.what = plan.what and arrivals.name like plan.pattern
    ),

    arrivals_judged as (
        select
            *,
            case
                needs
                when 'visitor'
                then lacking_visitor
                when 'mail_token'
                then lacking_mail_token
                when 'campaign'
                then lacking_campaign
                else 0
            end as lacking
        from arrivals_ranked
        where match_rank = 1
    ),

    planned_seen as (
        select
            plan_id,
            sum(arrivals) as arrivals,
            sum(lacking) as lacking,
            min(first_seen_at) as first_seen_at,
            max(last_seen_at) as last_seen_at
        from arrivals_judged
        where plan_id is not null
        group by plan_id
    ),

    planned as (
        select
            plan.what,
            plan.pattern as name,
            plan.plan_id,
            plan.needs,
            cast(coalesce(planned_seen.arrivals, 0) as bigint) as arrivals,
            cast(coalesce(planned_seen.lacking, 0) as bigint) as lacking,
            planned_seen.first_seen_at,
            planned_seen.last_seen_at,
            plan.why
        from plan
        left join planned_seen on plan.plan_id = planned_seen.plan_id
    ),

    unplanned as (
        select
            what,
            name,
            cast(null as {{ dbt.type_string() }}) as plan_id,
            cast(null as {{ dbt.type_string() }}) as needs,
            arrivals,
            cast(0 as bigint) as lacking,
            first_seen_at,
            last_seen_at,
            cast(null as {{ dbt.type_string() }}) as why
        from arrivals_judged
        where plan_id is null
    ),

    reported as (
        select *
        from planned
        union all
        select *
        from unplanned
    )

select
    what,
    name,
    plan_id,
    needs,
    case
        when plan_id is null
        then 'unplanned'
        when arrivals = 0
        then 'never_arrives'
        when lacking > 0
        then 'lacks_ids'
        else 'kept'
    end as status,
    arrivals,
    lacking,
    cast(lacking as double) / nullif(arrivals, 0) as lacking_share,
    first_seen_at,
    last_seen_at,
    why
from reported
