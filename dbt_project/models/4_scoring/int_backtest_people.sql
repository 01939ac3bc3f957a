{# Who could have been scored on each cut, what their scores were then, and what they did in the days since. Deeds
   after the cut are used for outcomes only, deeds before it for scores only. Who had a deal already stands apart. #}
with

    people as (select * from {{ ref("dim_people") }} where not is_internal),
    history as (select * from {{ ref("fct_score_history") }}),
    chances as (select * from {{ ref("int_timing_days") }}),
    extras as (select * from {{ ref("int_backtest_extras") }}),
    cuts as (select * from {{ ref("int_score_days") }} where day_use = 'cut'),
    touches as (select * from {{ ref("fct_touches") }}),

    milestones as (
        select
            person_id,
            case
                touch_type when 'order_placed' then 'order' else 'opportunity'
            end as outcome,
            {{ local_date("occurred_at") }} as reached_on
        from touches
        where
            touch_type in ('opportunity_created', 'order_placed')
            and person_id is not null
    ),

    people_before as (
        select
            history.person_id,
            cuts.scored_on as cut_on,
            cuts.horizon_days,
            history.behaviour_score,
            history.fit_score,
            history.total_score
        from history
        inner join cuts on history.scored_on = cuts.scored_on
        inner join people on history.person_id = people.person_id
        where
            not exists (
                select 1
                from milestones
                where
                    milestones.person_id = history.person_id
                    and milestones.reached_on <= cuts.scored_on
            )
    ),

    scores_before as (
        {% for score_kind in ["behaviour", "fit", "total"] %}
            select
                person_id,
                cut_on,
                horizon_days,
                '{{ score_kind }}' as score_kind,
                cast({{ score_kind }}_score as double) as score
            from people_before
            union all
        {% endfor %}
        select
            people_before.person_id,
            people_before.cut_on,
            people_before.horizon_days,
            'timing' as score_kind,
            cast(chances.chance as double) as score
        from people_before
        inner join
            chances
            on people_before.person_id = chances.person_id
            and people_before.cut_on = chances.scored_on
            -- A horizon without weights of its own takes those of the 90 days.
            and chances.horizon_days = least(people_before.horizon_days, 90)
        union all
        select
            people_before.person_id,
            people_before.cut_on,
            people_before.horizon_days,
            extras.score_kind,
            extras.score
        from people_before
        inner join
            extras
            on people_before.person_id = extras.person_id
            and people_before.cut_on = extras.scored_on
    ),

    outcomes as (
        select 'opportunity' as outcome
        union all
        select 'order' as outcome
    ),

    outcomes_after as (
        select
            scores_before.person_id,
            scores_before.cut_on,
            scores_before.horizon_days,
            scores_before.score_kind,
            scores_before.score,
            outcomes.outcome,
            max(case when milestones.person_id is null then 0 else 1 end) = 1 as is_hit
        from scores_before
        cross join outcomes
        left join
            milestones
            on scores_before.person_id = milestones.person_id
            and outcomes.outcome = milestones.outcome
            and milestones.reached_on > scores_before.cut_on
        group by
            scores_before.person_id,
            scores_before.cut_on,
            scores_before.horizon_days,
            scores_before.score_kind,
            scores_before.score,
            outcomes.outcome
    )

select *
from outcomes_after
