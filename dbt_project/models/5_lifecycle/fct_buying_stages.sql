{#
  How far each person has come on the way to buying, as periods: the furthest stage of the deeds that are recent. A deed
  is recent for recent_days (buying_stages.csv), so a person falls back when the further deeds have grown old; in the
  time when nothing is recent there is no row.
#}
with

    touches as (select * from {{ ref("fct_touches") }}),
    stages as (select * from {{ ref("buying_stages") }}),

    deeds as (
        select distinct
            touches.person_id,
            stages.stage_number,
            stages.recent_days,
            {{ local_date("touches.occurred_at") }} as occurred_on
        from touches
        inner join stages on touches.buying_stage = stages.buying_stage
        where touches.person_id is not null and not touches.is_machine
    ),

    deeds_recent as (
        select
            person_id,
            stage_number,
            occurred_on as recent_from,
            cast(
                {{ dbt.dateadd("day", "recent_days", "occurred_on") }} as date
            ) as recent_to
        from deeds
    ),

    -- Of one stage all deeds are recent equally long, so each joins the one before it
    -- or
    -- opens a new run.
    deeds_compared as (
        select
            *,
            lag(recent_to) over (
                partition by person_id, stage_number order by recent_from
            ) as former_recent_to
        from deeds_recent
    ),

    runs_numbered as (
        select
            *,
            sum(case when former_recent_to >= recent_from then 0 else 1 end) over (
                partition by person_id, stage_number
                order by recent_from
                rows between unbounded preceding and current row
            ) as run_number
        from deeds_compared
    ),

    runs as (
        select
            person_id,
            stage_number,
            min(recent_from) as recent_from,
            max(recent_to) as recent_to
        from runs_numbered
        group by person_id, stage_number, run_number
    ),

    days as (
        select person_id, recent_from as turns_on
        from runs
        union
        select person_id, recent_to as turns_on
        from runs
        where recent_to <= {{ as_of_date() }}
    ),

    stages_on_days as (
        select days.person_id, days.turns_on, max(runs.stage_number) as stage_number
        from days
        left join
            runs
            on days.person_id = runs.person_id
            and runs.recent_from <= days.turns_on
            and runs.recent_to > days.turns_on
        group by days.person_id, days.turns_on
    ),

    days_compared as (
        select
            *,
            lag(stage_number) over (
                partition by person_id order by turns_on
            ) as stage_before,
            row_number() over (partition by person_id order by turns_on) as day_number
        from stages_on_days
    ),

    -- Silence counts as a stage of its own here, so that who comes back is seen.
    changes as (
        select
            person_id,
            turns_on as valid_from,
            lead(turns_on) over (partition by person_id order by turns_on) as valid_to,
            stage_number,
            lag(stage_number) over (
                partition by person_id order by turns_on
            ) as stage_before,
            lag(stage_number, 2) over (
                partition by person_id order by turns_on
            ) as stage_before_that,
            row_number() over (
                partition by person_id order by turns_on
            ) as change_number
        from days_compared
        where day_number = 1 or coalesce(stage_number, 0) <> coalesce(stage_before, 0)
    ),

    changes_told as (
        select
            *,
            coalesce(stage_before, stage_before_that) as former_number,
            case
                when change_number = 1
                then 'entered'
                when stage_before is null
                then 'returned'
                when stage_number > stage_before
                then 'advanced'
                else 'regressed'
            end as change
        from changes
        where stage_number is not null
    )

select
    changes_told.person_id,
    changes_told.valid_from,
    changes_told.valid_to,
    stages.buying_stage,
    cast(changes_told.stage_number as integer) as stage_number,
    stages.aidma_stage,
    changes_told.change,
    coalesce(
        changes_told.stage_number < changes_told.former_number, false
    ) as is_regression,
    former_stages.buying_stage as former_stage
from changes_told
inner join stages on changes_told.stage_number = stages.stage_number
left join
    stages as former_stages on changes_told.former_number = former_stages.stage_number
