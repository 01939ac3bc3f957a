"""As-of: what was stored on a day equals its recomputation for that day with what was known on it.

The rows of an invented company arrive day by day, one in ten of them some days late and some files two weeks
late. Each evening the marts are brought up to date as a daily run does; afterwards each of these evenings is
built once more from nothing, out of all rows, with both clocks turned back. People merge and split meanwhile,
as cookies, cards and leads come in.

Three evenings in the middle here, of which the last is recomputed; all 60 with IKUSEI_LONG_TESTS=1, in two
processes: one goes on from day to day, the other recomputes.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from ingestion.world import make
from orchestration import ingest, transform
from orchestration.as_of import copy_raw
from orchestration.home import DEFAULT_ZONE, Home

LAST, DAYS = date(2026, 10, 31), 60
LONG = os.environ.get("IKUSEI_LONG_TESTS") == "1"
EVENINGS = [LAST - timedelta(days=DAYS - 1 - day) for day in (range(DAYS) if LONG else (30, 31, 38))]
# What a day's numbers stand on; the stages behind hold no clock of their own that is not tested here.
RELATIONS = (
    "identity.dim_people",
    "identity.person_identifiers",
    "behaviour.fct_touches",
    "scoring.fct_score_points",
    "scoring.fct_lead_scores",
    "scoring.fct_score_history",
)
BUILT = ["+fct_lead_scores", "+fct_score_history"]
LATE_FILE_DAYS, LATE_ROW_DAYS = 14, 5


@pytest.fixture(scope="module")
def arrived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with the raw rows of 60 days, each with the moment at which it came in."""
    folder = tmp_path_factory.mktemp("as-of")
    make(folder / "world", people=24, days=DAYS, seed=3, until=LAST)
    home = Home(folder / "home").prepare()
    ingest.ingest(home, landing=folder / "world" / "landing", zone=DEFAULT_ZONE)
    raw = copy_raw(home.warehouse, folder / "all" / home.warehouse.name)
    with duckdb.connect(str(raw)) as connection:
        for table, moment in raw_tables(connection):
            connection.execute(f"update {table} set loaded_at = {came_in(moment)}")
    return raw


def raw_tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """(table, the column that says when it happened) of each raw table of rows."""
    columns = connection.execute(
        "select table_schema || '.' || table_name, list(column_name), "
        "list(column_name) filter (where data_type in ('TIMESTAMP', 'DATE') and column_name <> 'loaded_at') "
        "from information_schema.columns where table_schema like 'raw%' group by all"
    ).fetchall()
    preferred = ("updated_at", "occurred_at", "entered_at")
    return [
        (table, next((name for name in preferred if name in times), (times or ["null"])[0]))
        for table, names, times in columns
        if "loaded_at" in names and "row_key" in names
    ]


def came_in(moment: str) -> str:
    """SQL of the moment a row came in: as it happened, some days late, or with the late file."""
    days = f"case when hash(source_file) % 9 = 0 then {LATE_FILE_DAYS} when hash(row_key) % 10 = 0 "
    days += f"then {LATE_ROW_DAYS} else 0 end"
    return f"coalesce(cast({moment} as timestamp), timestamp '2026-09-01') + to_days(cast({days} as integer))"


def evening(day: date) -> str:
    """The end of a day in Japan, in UTC."""
    return (datetime(day.year, day.month, day.day) + timedelta(hours=15)).isoformat(" ")


def build(warehouse: Path, target: Path, day: date, *, full_refresh: bool) -> dict[str, tuple]:
    """The marts as of a day's evening, known by then: relation -> (rows, sum of row hashes)."""
    with _no_artefacts(target):
        transform.build(
            warehouse,
            target,
            as_of=day.isoformat(),
            known_at=evening(day),
            zone=DEFAULT_ZONE,
            full_refresh=full_refresh,
            with_tests=False,
            # The rule tables are the same on every evening: they are loaded once.
            select=[f"{mart},resource_type:model" if _has_rules(warehouse) else mart for mart in BUILT],
        )
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return {
            relation: connection.execute(
                f"select count(*), sum(cast(hash(mart) as hugeint)) from {relation} as mart"
            ).fetchone()
            for relation in RELATIONS
        }


def _has_rules(warehouse: Path) -> bool:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = "select count(*) from information_schema.tables where table_name = 'scoring_rules'"
        return connection.execute(found).fetchone() == (1,)


@contextmanager
def _no_artefacts(target: Path) -> Iterator[None]:
    """dbt then writes its manifest once and not after each of a hundred builds."""
    if (target / "manifest.json").exists():
        os.environ["DBT_WRITE_JSON"] = "false"
    try:
        yield
    finally:
        os.environ.pop("DBT_WRITE_JSON", None)


def recompute(again: Path, target: Path, day: date) -> dict[str, tuple]:
    """The marts of an evening from nothing, out of all rows that ever came."""
    return build(again, target, day, full_refresh=True)


def hold_against(stored: dict[date, dict[str, tuple]], recomputed: dict[date, Future]) -> None:
    """The evenings that are recomputed by now must be what was stored."""
    for day in [day for day, future in recomputed.items() if future.done()]:
        again = recomputed.pop(day).result()
        assert again == stored[day], f"{day}, evening {EVENINGS.index(day) + 1}"


def arrive(daily: Path, arrived: Path, day: date) -> None:
    """Bring into the daily warehouse what came in until a day's evening and is not there yet."""
    with duckdb.connect(str(daily)) as connection:
        connection.execute(f"attach '{arrived}' as everything (read_only)")
        for table, _ in raw_tables(connection):
            connection.execute(
                f"insert into {table} select * from everything.{table} as rows where loaded_at <= ? "
                f"and not exists (select 1 from {table} as there where there.row_key = rows.row_key)",
                [evening(day)],
            )


def test_each_stored_evening_is_its_recomputation(arrived: Path, tmp_path: Path) -> None:
    daily = copy_raw(arrived, tmp_path / "daily" / arrived.name)
    with duckdb.connect(str(daily)) as connection:
        for table, _ in raw_tables(connection):
            connection.execute(f"delete from {table}")
    again = copy_raw(arrived, tmp_path / "again" / arrived.name)
    stored: dict[date, dict[str, tuple]] = {}
    recomputed: dict[date, Future] = {}
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as beside:
        for day in EVENINGS:
            if LONG:
                recomputed[day] = beside.submit(recompute, again, tmp_path / "beside", day)
            arrive(daily, arrived, day)
            stored[day] = build(daily, tmp_path / "target", day, full_refresh=day == EVENINGS[0])
            hold_against(stored, recomputed)
        while recomputed:
            wait(recomputed.values(), return_when=FIRST_COMPLETED)
            hold_against(stored, recomputed)
    if not LONG:
        assert recompute(again, tmp_path / "target", EVENINGS[-1]) == stored[EVENINGS[-1]]
    scores = {marts["scoring.fct_lead_scores"] for marts in stored.values()}
    assert len(scores) == len(EVENINGS), "nothing changed from one evening to the next"
