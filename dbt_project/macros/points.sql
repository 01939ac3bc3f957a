{#
  What each deed is worth on each of the days: known by then, inside its window, faded by half-lives, up to the rule's cap.
  The one place where points fade. Arguments: `points` has the columns of int_touch_points, `days` has scored_on, and
  person_id too where each person has days of their own (`of_each_person`).
#}
{% macro points_worth(points, days, of_each_person=false) -%}
    with

        points_on_days as (
            select
                days.scored_on,
                points_given.*,
                {{ dbt.datediff("points_given.occurred_on", "days.scored_on", "day") }}
                - points_given.delay_days as age_days
            from {{ points }} as points_given
            inner join
                {{ days }} as days on points_given.known_on <= days.scored_on
                {%- if of_each_person %}
                    and points_given.person_id = days.person_id
                {%- endif %}
        ),

        -- Of what counts only once, the first deed: ever, or of its day.
        points_once as (
            select
                *,
                case
                    when once is null
                    then 1
                    else
                        row_number() over (
                            partition by
                                scored_on,
                                person_id,
                                rule_id,
                                case
                                    once
                                    when 'ever'
                                    then 'ever'
                                    when 'day'
                                    then cast(occurred_on as {{ dbt.type_string() }})
                                    else touch_id
                                end
                            order by occurred_at, touch_id
                        )
                end as turn
            from points_on_days
        ),

        -- The window is half open: a deed counts from the day its delay has passed,
        -- and for
        -- window_days days. Ages are whole local days, so that a score does not change
        -- between morning and evening.
        points_in_window as (
            select *
            from points_once
            where
                turn = 1
                and age_days >= 0
                and (window_days is null or age_days < window_days)
        ),

        points_faded as (
            select
                *,
                cast(
                    round(
                        rule_points * case
                            when half_life_days is null
                            then 1.0
                            else power(0.5, cast(age_days as double) / half_life_days)
                        end,
                        6
                    ) as decimal(18, 6)
                ) as faded_points
            from points_in_window
        ),

        -- The newest deeds fill the cap first, so that an old deed never keeps a new
        -- one
        -- out.
        points_added_up as (
            select
                *,
                coalesce(
                    sum(faded_points) over (
                        partition by scored_on, person_id, rule_id
                        order by occurred_at desc, touch_id
                        rows between unbounded preceding and 1 preceding
                    ),
                    0
                ) as points_before
            from points_faded
        ),

        points_capped as (
            select
                *,
                case
                    when cap_points is null
                    then faded_points
                    when cap_points >= 0
                    then greatest(0, least(faded_points, cap_points - points_before))
                    else least(0, greatest(faded_points, cap_points - points_before))
                end as points_left
            from points_added_up
        )

    select
        scored_on,
        person_id,
        touch_id,
        rule_id,
        rule_version,
        cast(points_left as decimal(18, 6)) as points,
        rule_points as nominal_points,
        occurred_at,
        was_anonymous,
        evidence,
        cast(age_days + delay_days as bigint) as age_days
    from points_capped
{%- endmacro %}
