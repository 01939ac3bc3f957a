"""Explain: from a person's score to its points, their rules, and the file and line each point stands on.

It reads the published file only, so it explains the numbers on the pages, also while a run is under way. For
an earlier day the scores are built anew from the raw rows, into a side file kept for the next question.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from orchestration import transform
from orchestration.as_of import copy_raw
from orchestration.home import Home
from orchestration.lock import run_lock
from orchestration.run import Clocks
from orchestration.trouble import Trouble

POINTS = """
select
    points.score_kind,
    points.rule_id,
    points.rule_version,
    points.points,
    points.nominal_points,
    points.occurred_at,
    coalesce(touches.touch_type, points.evidence) as deed,
    touches.detail,
    origins.source_file,
    origins.line_number
from scoring.fct_score_points as points
left join behaviour.fct_touches as touches on points.touch_id = touches.touch_id
left join {origins} as origins on touches.row_key = origins.row_key
where points.person_id = ?
order by points.score_kind, points.points desc, points.occurred_at, points.rule_id, points.touch_id
"""


@dataclass(frozen=True)
class Point:
    """One point given: its worth at the as-of day, its worth when given, and where it comes from."""

    score_kind: str
    rule_id: str
    rule_version: str
    points: Decimal
    nominal_points: Decimal
    occurred_at: str
    deed: str
    origin: str


@dataclass(frozen=True)
class ScoreExplained:
    person_id: str
    run_id: str
    as_of: str
    total_score: Decimal
    grade: str
    points: tuple[Point, ...]

    @property
    def sum_of_points(self) -> Decimal:
        return sum((point.points for point in self.points), Decimal(0))

    @property
    def adds_up(self) -> bool:
        return self.sum_of_points == self.total_score


def explain_score(home: Home, person: str, *, zone: str, on: Clocks | None = None) -> ScoreExplained:
    """The points of one person, highest first within each kind.

    Args:
        person: a person_id or an e-mail address.
        zone: in which times are written.
        on: explain the score of another day than the published one.

    Raises:
        Trouble: nothing is published, or nobody is known by that id or address.
    """
    if not home.published.exists():
        raise Trouble(f"nothing is published in {home.serving} yet: run `ikusei run` first")
    with _opened(home, on) as (connection, origins):
        person_id = find_person(connection, person)
        score = connection.execute(
            "select total_score, grade from scoring.fct_lead_scores where person_id = ?", [person_id]
        ).fetchone() or (Decimal(0), "none")
        run_id, as_of = _stand(connection, on)
        rows = connection.execute(POINTS.format(origins=origins), [person_id]).fetchall()
    points = tuple(_point(row, ZoneInfo(zone)) for row in rows)
    return ScoreExplained(person_id, run_id, str(as_of), *score, points)


@contextmanager
def _opened(home: Home, on: Clocks | None) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """The published file, or the side file of a day with the published one beside it for file and line."""
    published = home.published.resolve()
    if on is None:
        with duckdb.connect(str(published), read_only=True) as connection:
            yield connection, "raw_intake.origins"
        return
    with duckdb.connect(str(_scores_of(home, on)), read_only=True) as connection:
        path = str(published).replace("'", "''")
        connection.execute(f"attach '{path}' as published (read_only)")
        yield connection, "published.raw_intake.origins"


def _scores_of(home: Home, on: Clocks) -> Path:
    """The side file with the scores of a day, built where it is not there yet or older than the warehouse."""
    side = home.as_of / f"scores-{on.as_of}" / home.warehouse.name
    if side.exists() and side.stat().st_mtime > home.warehouse.stat().st_mtime:
        return side
    with run_lock(home.prepare().lock, "ikusei explain", wait=True):
        side.unlink(missing_ok=True)
        copy_raw(home.warehouse, side)
        transform.build(
            side,
            home.dbt_target,
            as_of=on.as_of,
            known_at=on.known_at,
            zone=on.zone,
            full_refresh=True,
            select=["+fct_lead_scores"],
            with_tests=False,
        )
    return side


def _stand(connection: duckdb.DuckDBPyConnection, on: Clocks | None) -> tuple[str, str]:
    """The run that the numbers come from, and the day that they stand for."""
    if on is not None:
        return "built for this question", on.as_of
    run_id, as_of = connection.execute("select run_id, as_of from reporting.rpt_run").fetchone()
    return run_id, str(as_of)


def as_lines(explained: ScoreExplained) -> list[str]:
    """The explanation as text, one point a line, ending with the sum."""
    head = f"person {explained.person_id}, as of {explained.as_of}, run {explained.run_id}"
    lines = [
        f"{point.points:>12.6f}  {point.score_kind:<9}  {point.rule_id} v{point.rule_version}  "
        f"(given {point.nominal_points:f}, {point.occurred_at})  {point.deed}  {point.origin}".rstrip()
        for point in explained.points
    ]
    verdict = "equals" if explained.adds_up else "DOES NOT EQUAL"
    total = f"{verdict} total_score {explained.total_score:f}, grade {explained.grade}"
    return [head, *lines, f"{explained.sum_of_points:>12.6f}  the sum of {len(lines)} points {total}"]


def find_person(connection: duckdb.DuckDBPyConnection, person: str) -> str:
    """The person_id behind a person_id or an e-mail address.

    Raises:
        Trouble: nobody is known by it.
    """
    by_id = "select person_id from identity.dim_people where person_id = ?"
    # A person may have several addresses; dim_people shows one.
    by_address = (
        "select person_id from identity.person_identifiers where identifier = 'email:' || lower(trim(?))"
    )
    found = connection.execute(by_address if "@" in person else by_id, [person]).fetchone()
    if found is None:
        raise Trouble("nobody is known by that id or address: look for the person on the leads page")
    return found[0]


def _point(row: tuple, zone: ZoneInfo) -> Point:
    kind, rule_id, version, points, nominal, occurred_at, deed, detail, file, line = row
    when = occurred_at.replace(tzinfo=ZoneInfo("UTC")).astimezone(zone) if occurred_at else None
    return Point(
        kind,
        rule_id,
        version,
        points,
        nominal,
        f"{when:%Y-%m-%d %H:%M}" if when else "no date",
        " ".join(filter(None, (deed, detail))),
        f"{file}:{line}" if file else "",
    )
