"""Restatements: why a number that was public is another one today, in parts that add up to the difference.

Between a former publication and today five things may have changed. They are let in one after the other,
and after each the KPIs are built anew in a side file; what a step changes is its part. A step of nothing
new costs nothing.

    published then -> erasure -> rules -> identity -> late data -> time -> published today

erasure: rows taken out of the raw tables since: by hand when somebody asked to be forgotten, or because a
file was read anew under other settings, whose rows then come back as late data. rules: the dbt project.
identity: decisions of people on links. late data: rows loaded since, with the merges that they cause. time:
the as-of day. An empty cell counts as 0. Values have twelve decimals, so that the parts add up to the last
digit.
"""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from orchestration import transform
from orchestration.as_of import copy_raw
from orchestration.home import PROJECT, Home
from orchestration.lock import run_lock
from orchestration.published_numbers import TABLES
from orchestration.trouble import Trouble

CAUSES = ("erasure", "rules", "identity", "late_data", "time")
TWELVE = Decimal("0.000000000001")
Cell = tuple[str, str, str, str]  # kpi_id, period, segment_kind, segment_id
Values = dict[Cell, Decimal]
PUBLISHED = """
    select kpi_id, cast(period as varchar), segment_kind, segment_id, value from cells where run_number <= ?
    qualify row_number() over (
        partition by kpi_id, period, segment_kind, segment_id order by run_number desc) = 1
"""


@dataclass(frozen=True)
class Stand:
    """What a publication had read: the clocks of its rows, rules and decisions; times are UTC text."""

    run_number: int
    run_id: str
    as_of: str
    zone: str
    known_at: str
    decided: str
    rules: str
    taken_back: str | None


@dataclass(frozen=True)
class Restatement:
    """One cell that differs, and what each cause has to do with it."""

    cell: Cell
    former: Decimal
    now: Decimal
    parts: dict[str, Decimal]

    @property
    def adds_up(self) -> bool:
        return sum(self.parts.values(), Decimal(0)) == self.now - self.former


def split(
    home: Home, former_run: str | None = None, *, say: Callable[[str], None] = lambda line: None
) -> list[Restatement]:
    """Every cell that both publications could know and that differs, with its parts; kept in the ledger.

    Args:
        former_run: the run to compare today's with; by default the one before it.

    Raises:
        Trouble: there are no two publications, or the former rules do not build any more.
    """
    with run_lock(home.prepare().lock, "ikusei explain kpi", wait=True):
        former, now = _stands(home, former_run)
        states = list(_states(home, former, now, say))
    found = list(_compared(states))
    _keep(home, former, now, found)
    return found


def _states(home: Home, former: Stand, now: Stand, say: Callable[[str], None]) -> Iterator[Values]:
    """The values after each step: as published, then with one cause more let in, to today's."""
    first, last = _published(home, former.run_number), _published(home, now.run_number)
    yield first
    before = first
    steps = _steps(former, now)
    open_steps = [cause for cause in CAUSES if cause in steps]
    for cause in CAUSES:
        if cause not in steps:
            after = before
        elif cause == open_steps[-1]:
            after = last
        else:
            say(f"building the KPIs as they would be with {cause.replace('_', ' ')} let in")
            after = _built(home, *steps[cause])
        yield after
        before = after


def _steps(former: Stand, now: Stand) -> dict[str, tuple[Stand, Stand]]:
    """Of each cause that did change something: the clocks, rules and decisions that hold after it."""
    steps: dict[str, tuple[Stand, Stand]] = {}
    mixed = former
    changes = {
        "erasure": ("taken_back",),
        "rules": ("rules",),
        "identity": ("decided",),
        "late_data": ("known_at",),
        "time": ("as_of", "zone"),
    }
    for cause, names in changes.items():
        if any(getattr(former, name) != getattr(now, name) for name in names):
            mixed = Stand(**(vars(mixed) | {name: getattr(now, name) for name in names}))
            steps[cause] = (mixed, now)
    return steps


def _built(home: Home, stand: Stand, now: Stand) -> Values:
    """The KPIs built at a stand from today's raw rows."""
    with tempfile.TemporaryDirectory(prefix="restated-", dir=home.root) as scratch:
        side = copy_raw(home.warehouse, Path(scratch) / home.warehouse.name)
        is_of_today = stand.rules == now.rules
        project = PROJECT if is_of_today else _unpacked(home, stand.rules, Path(scratch))
        transform.build(
            side,
            home.dbt_target if is_of_today else Path(scratch) / "dbt_target",
            as_of=stand.as_of,
            known_at=stand.known_at,
            zone=stand.zone,
            full_refresh=True,
            select=["+fct_kpis"],
            with_tests=False,
            project=project,
            decisions_known_at=stand.decided,
        )
        with duckdb.connect(str(side), read_only=True) as connection:
            return _values(
                connection.execute(
                    "select kpi_id, cast(period as varchar), segment_kind, segment_id, value "
                    "from funnel.fct_kpis"
                ).fetchall()
            )


def _unpacked(home: Home, digest: str, scratch: Path) -> Path:
    kept = home.rules / f"{digest}.tar.gz"
    if not kept.exists():
        raise Trouble(f"the rules {digest} are not kept in {home.rules}: their part cannot be told any more")
    with tarfile.open(kept) as archive:
        archive.extractall(scratch, filter="data")
    return scratch / "dbt_project"


def _stands(home: Home, former_run: str | None) -> tuple[Stand, Stand]:
    if not home.published_numbers.exists():
        raise Trouble("no publication is in the ledger yet: run `ikusei run` first")
    with duckdb.connect(str(home.published_numbers), read_only=True) as connection:
        rows = connection.execute(
            "select run_number, run_id, cast(as_of as varchar), zone, "
            "cast(least(known_at, coalesce(loaded_through, known_at)) as varchar), "
            "cast(coalesce(decided_through, timestamp '1970-01-01') as varchar), rules_digest, "
            "cast(taken_back_through as varchar) from runs order by run_number"
        ).fetchall()
    stands = [Stand(*row) for row in rows]
    earlier = [one for one in stands[:-1] if former_run in (None, one.run_id)]
    if not earlier:
        raise Trouble(
            f"no earlier publication {former_run or ''} is in the ledger: there is nothing to compare with"
        )
    return earlier[-1], stands[-1]


def _published(home: Home, run_number: int) -> Values:
    with duckdb.connect(str(home.published_numbers), read_only=True) as connection:
        return _values(connection.execute(PUBLISHED, [run_number]).fetchall())


def _values(rows: list[tuple]) -> Values:
    return {
        (kpi, period, kind, member): Decimal(repr(value)).quantize(TWELVE)
        for kpi, period, kind, member, value in rows
        if value is not None
    }


def _compared(states: list[Values]) -> Iterator[Restatement]:
    nothing, (first, *_, last) = Decimal(0), states
    for cell in sorted(first.keys() | last.keys()):
        former, now = first.get(cell, nothing), last.get(cell, nothing)
        if former != now:
            steps = [state.get(cell, nothing) for state in states]
            parts = {cause: steps[n + 1] - steps[n] for n, cause in enumerate(CAUSES)}
            yield Restatement(cell, former, now, parts)


def _keep(home: Home, former: Stand, now: Stand, found: list[Restatement]) -> None:
    """Replace what the ledger says of this pair of publications."""
    rows = [
        (former.run_id, now.run_id, *one.cell, one.former, one.now, *(one.parts[c] for c in reversed(CAUSES)))
        for one in found
    ]
    with duckdb.connect(str(home.published_numbers)) as connection:
        connection.execute(TABLES)
        connection.begin()
        connection.execute(
            "delete from restatements where former_run_id = ? and run_id = ?", [former.run_id, now.run_id]
        )
        if rows:
            connection.executemany(f"insert into restatements values ({', '.join('?' * 13)})", rows)
        connection.commit()
