{#
  How points fade, in one place: inside its window, by half-lives, up to the rule's cap. `points_worth` says it deed
  by deed, `points_added_up` the sums alone, which is all that a history of days needs.

  The window is half open: a deed counts from the day its delay has passed, and for window_days days. Ages are whole
  local days, so that a score does not change between morning and evening.
#}
{% macro is_in_window(age_days) -%}
    {{ age_days }} >= 0 and (window_days is null or {{ age_days }} < window_days)
{%- endmacro %}

{% macro faded(points, age_days) -%}
    cast(
        round(
            {{ points }} * case
                when half_life_days is null
                then 1.0
                else power(0.5, cast({{ age_days }} as double) / half_life_days)
            end,
            6
        ) as decimal(18, 6)
    )
{%- endmacro %}

{#
  What each deed is worth on each of the days. Arguments: `points` has the columns of int_touch_points, `days` has
  scored_on.
#}
{% macro points_worth(points, days) -%}
    {%- set told = [
        "scored_on",
        "person_id",
        "touch_id",
        "rule_id",
        "rule_version",
        "rule_points",
        "occurred_at",
        "was_anonymous",
        "evidence",
        "age_days",
        "delay_days",
    ] -%}
    with

        -- Of what counts only once ever, deeds outside the window decide which was the
        -- first.
        points_on_days as (
            select *
            from
                (
                    select
                        days.scored_on,
                        points_given.*,
                        {{
                            dbt.datediff(
                                "points_given.occurred_on", "days.scored_on", "day"
                            )
                        }} - points_given.delay_days as age_days
                    from {{ points }} as points_given
                    inner join
                        {{ days }} as days on points_given.known_on <= days.scored_on
                ) as points_with_age
            where once = 'ever' or ({{ is_in_window("age_days") }})
        ),

        -- Of what counts only once, the first deed: ever, or of its day. The rest needs
        -- no order.
        points_ranked as (
            select
                *,
                row_number() over (
                    partition by
                        scored_on,
                        person_id,
                        rule_id,
                        case when once = 'day' then occurred_on end
                    order by occurred_at, touch_id
                ) as turn
            from points_on_days
            where once is not null
        ),

        points_counted as (
            select *, 1 as turn
            from points_on_days
            where once is null
            union all
            select *
            from points_ranked
            where turn = 1 and {{ is_in_window("age_days") }}
        ),

        points_faded as (
            select *, {{ faded("rule_points", "age_days") }} as faded_points
            from points_counted
        ),

        -- The newest deeds fill the cap first: an old deed never keeps a new one out.
        -- Few
        -- people fill one, and the others' deeds need no order.
        caps_passed as (
            select scored_on, person_id, rule_id
            from points_faded
            where cap_points is not null
            group by scored_on, person_id, rule_id, cap_points
            having
                sum(faded_points) > greatest(0, cap_points)
                or sum(faded_points) < least(0, cap_points)
        ),

        points_added_up as (
            select
                points_faded.*,
                coalesce(
                    sum(points_faded.faded_points) over (
                        partition by
                            points_faded.scored_on,
                            points_faded.person_id,
                            points_faded.rule_id
                        order by points_faded.occurred_at desc, points_faded.touch_id
                        rows between unbounded preceding and 1 preceding
                    ),
                    0
                ) as points_before
            from points_faded
            inner join
                caps_passed
                on points_faded.scored_on = caps_passed.scored_on
                and points_faded.person_id = caps_passed.person_id
                and points_faded.rule_id = caps_passed.rule_id
        ),

        points_capped as (
            select
                {{ told | join(", ") }},
                case
                    when cap_points >= 0
                    then greatest(0, least(faded_points, cap_points - points_before))
                    else least(0, greatest(faded_points, cap_points - points_before))
                end as points_left
            from points_added_up
            union all
            select {{ told | join(", ") }}, faded_points as points_left
            from points_faded
            where
                not exists (
                    select 1
                    from caps_passed
                    where
                        caps_passed.scored_on = points_faded.scored_on
                        and caps_passed.person_id = points_faded.person_id
                        and caps_passed.rule_id = points_faded.rule_id
                )
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

{#
  What the deeds of each person and rule are worth on each of the days, added up and capped. The points of one rule
  have one sign, so their capped sum is the cap of their sum, and nobody has to know which deed fills it.

  Arguments: `points` has the columns of int_points_by_day, `rules` those of int_rules_in_use; `days` has scored_on,
  and person_id too where each person has days of their own (`of_each_person`).
#}
{% macro points_added_up(points, rules, days, of_each_person=false) -%}
    {%- set points_of_days -%}
        select
            days.scored_on,
            points_given.person_id,
            points_given.rule_id,
            points_given.occurred_on,
            points_given.known_on,
            points_given.deeds,
            cast(rules.points as decimal(18, 6)) as rule_points,
            rules.delay_days,
            rules.window_days,
            rules.half_life_days,
            rules.cap_points,
            rules.once,
            {{ dbt.datediff("points_given.occurred_on", "days.scored_on", "day") }}
            - rules.delay_days as age_days
        from {{ points }} as points_given
        inner join {{ rules }} as rules on points_given.rule_id = rules.rule_id
        inner join
            {{ days }} as days on points_given.known_on <= days.scored_on
            {%- if of_each_person %} and points_given.person_id = days.person_id {%- endif %}
    {%- endset -%}
    with

        deeds_many_times as (
            select *
            from ({{ points_of_days }} where rules.once is null) as deeds_on_days
            where {{ is_in_window("age_days") }}
        ),

        deeds_once as (
            select
                *,
                row_number() over (
                    partition by
                        scored_on,
                        person_id,
                        rule_id,
                        case when once = 'day' then occurred_on end
                    order by occurred_on, known_on
                ) as turn
            from ({{ points_of_days }} where rules.once is not null) as deeds_on_days
        ),

        deeds_counted as (
            select
                scored_on,
                person_id,
                rule_id,
                deeds,
                age_days,
                delay_days,
                rule_points,
                half_life_days,
                cap_points
            from deeds_many_times
            union all
            select
                scored_on,
                person_id,
                rule_id,
                1 as deeds,
                age_days,
                delay_days,
                rule_points,
                half_life_days,
                cap_points
            from deeds_once
            where turn = 1 and {{ is_in_window("age_days") }}
        ),

        rules_added_up as (
            select
                scored_on,
                person_id,
                rule_id,
                cap_points,
                sum(deeds * {{ faded("rule_points", "age_days") }}) as faded_points,
                min(age_days + delay_days) as silent_days,
                sum(
                    case
                        when age_days + delay_days < 30
                        then deeds * greatest(0, rule_points)
                        else 0
                    end
                ) as points_30d
            from deeds_counted
            group by scored_on, person_id, rule_id, cap_points
        )

    select
        scored_on,
        person_id,
        rule_id,
        case
            when cap_points is null
            then faded_points
            when cap_points >= 0
            then greatest(0, least(faded_points, cap_points))
            else least(0, greatest(faded_points, cap_points))
        end as points,
        silent_days,
        points_30d
    from rules_added_up
{%- endmacro %}
