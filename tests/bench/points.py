"""Points and scores: in full against one statement by hand, and by day on a history ten times as long.

    touches (as in touches.py) and people invented in SQL -> points -> scores -> peaks, by dbt

The identity stage is not measured: its tables are written as they would stand, the same visitors and people
beside both histories. One statement by hand joins, fades, caps and adds up the same rows into one table, each
point beside the sums of its person; they must be ours to the digit (but for the last one of the sum with one
half-life), or the bench breaks. A day brings page views, names some browsers whose past becomes somebody's,
and moves the as-of day, so that every point fades; ten days are timed as in touches.py. Scores of the past
(the curve, the back-test, what the timing chance is made of) stand apart, once at the end, with no target.
"""

from __future__ import annotations

import resource
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb
import touches
from figure import Figure
from touches import AS_OF, DAYS, DAYS_TIMED, FACTS, Cost, alone, mean

from orchestration.home import Home

SIZES = {"full": (1_000_000, 10_000_000, 50_000), "quick": (100_000, 1_000_000, 5_000)}
MEMORY_MIB = 8 * 1024  # of the 24 GiB of the machine that is aimed at
POINTS = [
    "int_rules_in_use",
    "int_score_days",
    "int_people_rescored",
    "int_touch_points",
    "int_points_by_day",
    "int_points_worth",
    "int_behaviour_points",
    "int_fit_periods",
    "int_fit_points",
    "fct_score_points",
]
SCORES = ["int_points_earned", "fct_lead_scores"]
HISTORY = [
    "int_score_sums",
    "fct_score_history",
    "int_timing_features",
    "int_timing_days",
    "fct_lead_timing",
]
BESIDE = ["int_standings", "fct_lead_bant", "int_people_retold", "int_topic_deeds", "fct_nurture_degree"]
BEHIND = ["fct_company_scores", "int_scores_then", "fct_score_peaks"]

PEOPLE = """
create or replace table identity.dim_people as
select md5('person' || n) as person_id, ['it', 'sales', 'marketing', 'production', null][1 + n % 5] as
    department_category, ['部長', '課長', '主任', '担当'][1 + n % 4] as position,
    ['製造業', '金融業', '小売業'][1 + n % 3] as industry, '会社' || (n // 15) as company_name,
    '東京都' as prefecture, timestamp '2025-11-01' as first_seen_at, false as is_internal,
    md5('company' || (n // 15)) as company_id
from range($visitors) as numbers (n) where n % 5 = 0 or (n % 5 = 1 and n <= $named * 5);
create or replace table identity.person_attribute_spans as
select person_id, attribute, attribute_value, date '2025-11-01' as valid_from, cast(null as date) as valid_to
from (unpivot identity.dim_people on department_category, position, industry, company_name, prefecture
    into name attribute value attribute_value);
create or replace table identity.dim_companies as select distinct company_id from identity.dim_people;
create or replace table identity.employment_spans as
select person_id, company_id, timestamp '1900-01-01' as span_from, timestamp '9999-12-31' as span_to
from identity.dim_people;
create or replace table identity.visitor_companies as
select md5('company' || (n // 15)) as company_id, 'v' || md5('visitor' || n) as visitor_id
from range($visitors) as numbers (n) where n % 50 = 1
"""
BY_HAND = """
create or replace table main.by_hand as
with
    given as (
        select touches.person_id, touches.touch_id, touches.occurred_at, touches.was_anonymous,
            touches.detail as evidence, rules.*,
            cast((case when touches.was_anonymous then spans.first_claimed_at else touches.occurred_at end
                at time zone 'UTC') at time zone 'Asia/Tokyo' as date) as known_on,
            cast((touches.occurred_at at time zone 'UTC') at time zone 'Asia/Tokyo' as date) as occurred_on
        from behaviour.fct_touches as touches
        inner join scoring.scoring_rules as rules
            on touches.touch_type = rules.touch_type
            and (rules.content_category is null or rules.content_category = touches.content_category)
        left join identity.visitor_spans as spans
            on touches.visitor_id = spans.visitor_id
            and touches.occurred_at >= spans.span_from and touches.occurred_at < spans.span_to
        where not touches.is_machine and touches.person_id is not null and rules.score_kind = 'behaviour'
            and rules.rule_set = 'default'
    ),
    aged as (
        select *, date_diff('day', occurred_on, date '2026-10-31') as days_ago,
            days_ago - coalesce(delay_days, 0) as age_days
        from given
        where known_on <= date '2026-10-31'
    ),
    once as (
        select *
        from aged
        qualify once is null or row_number() over (partition by person_id, rule_id, case once
            when 'ever' then 'ever' when 'day' then cast(occurred_on as varchar) else touch_id end
            order by occurred_at, touch_id) = 1
    ),
    faded as (
        select *, cast(round(points * case when half_life_days is null then 1.0
            else power(0.5, cast(age_days as double) / half_life_days) end, 6) as decimal(18, 6)) as worth
        from once
        where age_days >= 0 and (window_days is null or age_days < window_days)
    ),
    before as (
        select *, coalesce(sum(worth) over (partition by person_id, rule_id
            order by occurred_at desc, touch_id rows
            between unbounded preceding and 1 preceding), 0) as points_before
        from faded
    ),
    behaviour as (
        select person_id, touch_id, rule_id, case when cap_points is null then worth when cap_points >= 0
            then greatest(0, least(worth, cap_points - points_before))
            else least(0, greatest(worth, cap_points - points_before)) end as points,
            points as nominal_points, occurred_at, was_anonymous, evidence
        from before
    ),
    sums as (
        select person_id, sum(points) filter (where days_ago < 7) as score_7d,
            sum(points) filter (where days_ago < 30) as score_30d,
            sum(points) filter (where days_ago < 90) as score_90d, sum(points) as score_lifetime,
            cast(round(sum(points * power(0.5, cast(days_ago as double) / 30)), 6) as decimal(18, 6))
                as score_half_life
        from aged
        group by person_id
    ),
    fit as (
        select spans.person_id, null as touch_id, rules.rule_id, rules.points,
            rules.points as nominal_points, null as occurred_at, false as was_anonymous,
            spans.attribute || ' = ' || spans.attribute_value as evidence
        from identity.person_attribute_spans as spans
        inner join scoring.scoring_rules as rules on spans.attribute = rules.attribute
            and spans.attribute_value like rules.attribute_pattern
        where rules.score_kind = 'fit' and rules.rule_set = 'default'
            and spans.valid_from <= date '2026-10-31'
            and (spans.valid_to is null or spans.valid_to > date '2026-10-31')
        qualify row_number() over (partition by spans.person_id, spans.attribute
            order by rules.points desc, rules.rule_id) = 1
    ),
    points as (select * from behaviour union all select * from fit),
    scores as (
        select person_id, coalesce(sum(points) filter (where touch_id is null), 0) as fit_score,
            coalesce(sum(points) filter (where touch_id is not null), 0) as behaviour_score,
            sum(points) as total_score
        from points
        group by person_id
    )
select people.person_id, touch_id, rule_id, points, nominal_points, occurred_at, was_anonymous, evidence,
    coalesce(fit_score, 0) as fit_score, coalesce(behaviour_score, 0) as behaviour_score,
    coalesce(total_score, 0) as total_score, coalesce(score_7d, 0) as score_7d,
    coalesce(score_30d, 0) as score_30d, coalesce(score_90d, 0) as score_90d,
    coalesce(score_lifetime, 0) as score_lifetime, coalesce(score_half_life, 0) as score_half_life
from identity.dim_people as people
left join points using (person_id) left join scores using (person_id) left join sums using (person_id)
"""
SCORED = "person_id, fit_score, behaviour_score, total_score, score_7d, score_30d, score_90d, score_lifetime"
GIVEN = "person_id, touch_id, rule_id, points, nominal_points, occurred_at, was_anonymous, evidence"
SAME = {"scoring.fct_lead_scores": SCORED, "scoring.fct_score_points": GIVEN}
"""Marts and the columns in which the statement by hand must say the same."""
FADED = """
select count(*)
from scoring.fct_lead_scores as ours
inner join (select distinct person_id, score_half_life from main.by_hand) as theirs
    on ours.person_id = theirs.person_id
where abs(ours.score_half_life - theirs.score_half_life) > 0.000001
"""  # its fractions are added up in another order by hand: the last digit may differ


@dataclass(frozen=True)
class Built:
    """What it cost to build one length of history in full."""

    full: Cost
    by_hand: Cost
    past: Cost


@dataclass(frozen=True)
class Day:
    """What one more day cost."""

    of_touches: Cost
    of_scores: Cost

    @property
    def whole(self) -> Cost:
        """Touches, points, scores, peaks and companies."""
        return Cost(
            self.of_touches.wall + self.of_scores.wall,
            self.of_touches.processor + self.of_scores.processor,
        )


@dataclass(frozen=True)
class History:
    """What was measured on one length of history."""

    built: Built
    days: tuple[Day, ...]
    past_anew: Cost

    @property
    def day(self) -> Cost:
        """The mean of its days, whole."""
        return mean([day.whole for day in self.days])

    @property
    def day_of_touches(self) -> Cost:
        """The mean of their touches."""
        return mean([day.of_touches for day in self.days])

    @property
    def day_of_scores(self) -> Cost:
        """The mean of their points, scores, peaks and companies."""
        return mean([day.of_scores for day in self.days])


def measure(size: str) -> list[Figure]:
    """Full: twice the statement by hand. A day: 1.2 times on ten times the history. Memory: 8 GiB."""
    short, long, new = SIZES[size]
    with tempfile.TemporaryDirectory(prefix="ikusei-points-") as folder:
        homes = [(Path(folder) / str(rows), rows, long // 10) for rows in (short, long)]
        built = [alone(_history, *home) for home in homes]
        days = touches.in_turns(_day, [(*home, new) for home in homes])
        past = [alone(_past, home[0]) for home in homes]
    first, second = (History(*measured) for measured in zip(built, days, past, strict=True))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return [
        *_of_the_full(second, f"{long:,} touches of {long // 10:,} visitors"),
        *_of_the_day(first, second, f"{new:,} new touches on {long:,} against {short:,}"),
        Figure(
            "points_peak_memory",
            peak,
            "MiB",
            at_most=MEMORY_MIB,
            why="touches, points, scores and their past",
        ),
    ]


def _of_the_full(long: History, on: str) -> list[Figure]:
    return [
        Figure("points_full_seconds", long.built.full.wall, "s", why=f"points and scores, {on}"),
        Figure("points_by_hand_seconds", long.built.by_hand.wall, "s", why="one statement, the same scores"),
        Figure("points_over_by_hand_wall", long.built.full.wall / long.built.by_hand.wall, at_most=2, why=on),
        Figure(
            "points_over_by_hand_processor",
            long.built.full.processor / long.built.by_hand.processor,
            at_most=2,
            why=on,
        ),
        Figure("points_past_seconds", long.built.past.wall, "s", why="scores of 53 past days, and timing"),
    ]


def _of_the_day(short: History, long: History, on: str) -> list[Figure]:
    parts = {"day": "touches and scores", "day_of_touches": "touches", "day_of_scores": "points and scores"}
    figures = []
    for part, words in parts.items():
        one, ten = getattr(short, part), getattr(long, part)
        why = f"{words}: {on}"
        figures += [
            Figure(f"points_{part}_seconds_short", one.wall, "s", why=words),
            Figure(f"points_{part}_seconds_long", ten.wall, "s", why=words),
            Figure(f"points_{part}_wall_ratio", ten.wall / one.wall, at_most=1.2, why=why),
            Figure(f"points_{part}_processor_ratio", ten.processor / one.processor, at_most=1.2, why=why),
        ]
    past = long.past_anew.processor / short.past_anew.processor
    return [*figures, Figure("points_past_processor_ratio", past, why="all past days anew; no target")]


def _history(folder: Path, rows: int, visitors: int) -> Built:
    home = touches.new_home(folder)
    touches.invent(home, rows, visitors, seconds=DAYS * 86_400)
    _invent_people(home, visitors, 0)
    touches.build(home, AS_OF, [*touches.BEFORE, *FACTS, *POINTS, *BESIDE], full=True)
    past = touches.build(home, AS_OF, HISTORY, full=True)
    touches.build(home, AS_OF, [*SCORES, *BEHIND], full=True)
    by_hand = _by_hand(home)
    full = touches.build(home, AS_OF, [*POINTS, *SCORES], full=True)
    return Built(full, by_hand, past)


def _day(folder: Path, rows: int, visitors: int, new: int, number: int) -> Day:
    home, day = Home(folder / "home"), touches.as_of_day(number)
    touches.invent_a_day(home, rows, visitors, new, number)
    _invent_people(home, visitors, touches.named_a_day(new) * number)
    touches.begin_a_day(home, number)
    of_touches = touches.build(home, day, FACTS, full=False)
    touches.build(home, day, BESIDE, full=False)
    of_scores = touches.build(home, day, [*POINTS, *SCORES, *BEHIND], full=False)
    return Day(of_touches, of_scores)


def _past(folder: Path) -> Cost:
    return touches.build(Home(folder / "home"), touches.as_of_day(DAYS_TIMED), HISTORY, full=False)


def _invent_people(home: Home, visitors: int, named: int) -> None:
    with duckdb.connect(str(home.warehouse)) as connection:
        for statement in PEOPLE.split(";\n"):
            values = {"visitors": visitors, "named": named}
            connection.execute(
                statement, {key: value for key, value in values.items() if f"${key}" in statement}
            )


def _by_hand(home: Home) -> Cost:
    """The statement by hand, whose points and scores must be those of the marts."""
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("set enable_progress_bar = false; set threads = 2")
        cost = touches.cost(lambda: connection.execute(BY_HAND))
        for mart, columns in SAME.items():
            differing = connection.execute(
                f"select count(*) from (select {columns} from {mart} "
                f"except select {columns} from main.by_hand)"
            ).fetchone()[0]
            assert not differing, f"{differing} rows of {mart} differ from the statement by hand"
        differing = connection.execute(FADED).fetchone()[0]
        assert not differing, f"{differing} scores with one half-life differ from the statement by hand"
        connection.execute("drop table main.by_hand")
    return cost
