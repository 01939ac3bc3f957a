{#
  The clocks of a hand-over run in business hours. A moment's place on the line of working time (int_business_days) is
  a number of seconds; a deadline is a sum on that line. The most moves that a hand-over can make is walked step by
  step, since both engines lack a recursion that may be trusted; `ikusei handoff check` proves that it is enough.
#}
{% macro handoff_moves() -%} {{ return(8) }} {%- endmacro %}

{# The place of `moment` in working time; `days` is the alias of its local day's row of int_business_days. #}
{% macro working_seconds(days, moment) -%}
    (
        {{ days }}.seconds_before + cast(
            least(
                greatest(floor({{ seconds_between(days ~ ".opens_at", moment) }}), 0),
                {{ days }}.open_seconds
            ) as bigint
        )
    )
{%- endmacro %}

{# The first moment at a place of working time; `days` holds the place: seconds_before < place <= + open_seconds. #}
{% macro moment_at_working_seconds(days, place) -%}
    {{
        plus_seconds(
            days ~ ".opens_at", "(" ~ place ~ " - " ~ days ~ ".seconds_before)"
        )
    }}
{%- endmacro %}

{# Where each hand-over stands after its next move: the first signal of people, or the deadline, whichever is earlier. #}
{% macro handoff_step(before, signals, transitions, clocks, days, step) -%}
    select
        first_moves.route_id,
        {{ step }} as step,
        first_moves.from_state,
        first_moves.state,
        first_moves.moved_by,
        first_moves.working_seconds,
        coalesce(
            first_moves.signalled_at,
            {{ moment_at_working_seconds(days, "first_moves.working_seconds") }}
        ) as entered_at
    from
        (
            select
                stands.route_id,
                clocks.calendar_id,
                stands.state as from_state,
                transitions.to_state as state,
                case
                    when transitions.on_signal is null then 'clock' else 'signal'
                end as moved_by,
                signals.signalled_at,
                coalesce(
                    signals.working_seconds,
                    stands.working_seconds + transitions.after_business_hours * 3600
                ) as working_seconds,
                row_number() over (
                    partition by stands.route_id
                    order by
                        coalesce(
                            signals.working_seconds,
                            stands.working_seconds
                            + transitions.after_business_hours * 3600
                        ),
                        -- who acts in the last minute, or before the offices open
                        -- again, was in time
                        case when signals.route_id is null then 1 else 0 end,
                        signals.signalled_at nulls last,
                        transitions.to_state
                ) as move_rank
            from {{ before }} as stands
            inner join {{ clocks }} as clocks on stands.route_id = clocks.route_id
            inner join
                {{ transitions }} as transitions
                on stands.state = transitions.from_state
            left join
                {{ signals }} as signals
                on stands.route_id = signals.route_id
                and transitions.on_signal = signals.signal
                and signals.signalled_at >= stands.entered_at
            where
                signals.route_id is not null
                or (
                    transitions.on_signal is null
                    and stands.working_seconds + transitions.after_business_hours * 3600
                    <= clocks.working_seconds_now
                )
        ) as first_moves
    left join
        {{ days }}
        on first_moves.signalled_at is null
        and first_moves.calendar_id = {{ days }}.calendar_id
        and first_moves.working_seconds > {{ days }}.seconds_before
        and first_moves.working_seconds
        <= {{ days }}.seconds_before + {{ days }}.open_seconds
    where first_moves.move_rank = 1
{%- endmacro %}
