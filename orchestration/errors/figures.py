"""Figures: from a warehouse and a world's truth to what is right, by area, measure and trouble."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from orchestration.errors import truth as truths

SQL = Path(__file__).parent
Planned = Iterable[tuple[str, str]]


@dataclass(frozen=True)
class Measure:
    """What is measured.

    best: the value of a faultless figure; None where no value is right or wrong.
    is_forecast: it judges a guess about what people will do, so no reading of traces makes it faultless.
    troubles: those that it is also measured by.
    """

    area: str
    name: str
    best: float | None
    is_forecast: bool
    troubles: tuple[str, ...]
    meaning: str


@dataclass(frozen=True)
class Figure:
    """One line of the table of errors. `trouble`: None for all cases; `value`: None without any (n = 0)."""

    area: str
    measure: str
    trouble: str | None
    value: float | None
    n: int

    @property
    def error(self) -> float | None:
        """Distance from a faultless figure; None where there is no data, or no right value."""
        best = BEST.get((self.area, self.measure))
        return None if self.value is None or best is None else abs(self.value - best)

    @property
    def is_forecast(self) -> bool:
        return (self.area, self.measure) in FORECASTS


def _read_measures() -> tuple[Measure, ...]:
    with (SQL / "measures.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Measure(
                row["area"],
                row["measure"],
                float(row["best"]) if row["best"] else None,
                row["forecast"] == "true",
                tuple(row["troubles"].split()),
                row["meaning"],
            )
            for row in csv.DictReader(file)
        )


MEASURES = _read_measures()
AREAS = tuple(dict.fromkeys(measure.area for measure in MEASURES))
BEST = {(measure.area, measure.name): measure.best for measure in MEASURES}
FORECASTS = {(measure.area, measure.name) for measure in MEASURES if measure.is_forecast}


def judge(
    warehouse: Path, truth: Path, *, as_of: str, zone: str = "Asia/Tokyo", planned: Planned = ()
) -> list[Figure]:
    """Compare the marts of a warehouse with the truth, worst figures first.

    Args:
        warehouse: a built DuckDB file; read only.
        truth: folder of the truth's Parquet files.
        as_of: the day 'YYYY-MM-DD' that the marts stand for, in `zone`.
        planned: (sync, key) of each row that would be sent.

    Raises:
        Trouble: the folder holds no truth.
        duckdb.Error: the warehouse is not built, or held by a writer.
    """
    with judged(warehouse, truth, as_of=as_of, zone=zone) as connection:
        _note_plan(connection, planned)
        _note_candidates(connection)
        connection.execute((SQL / "ground.sql").read_text(encoding="utf-8"))
        found = [figure for area in AREAS for figure in _area(connection, area)]
    return worst_first(found + _without_data(found))


@contextmanager
def judged(warehouse: Path, truth: Path, *, as_of: str, zone: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the marts (read only), with the truth beside them and the clock as variables."""
    with duckdb.connect() as connection:
        _attach(connection, warehouse)
        truths.attach(connection, truth)
        _set_clock(connection, as_of, zone)
        yield connection


def worst_first(figures: Iterable[Figure]) -> list[Figure]:
    """By distance from faultless; then what is right, what has no right value, and what has no data."""

    def place(figure: Figure) -> tuple[object, ...]:
        kind = 2 if not figure.n else 1 if figure.error is None else 0
        return (kind, -(figure.error or 0), -figure.n, figure.area, figure.measure, figure.trouble or "")

    return sorted(figures, key=place)


def _attach(connection: duckdb.DuckDBPyConnection, warehouse: Path) -> None:
    """Read the warehouse under its own name, because its views name their catalog."""
    path = str(warehouse).replace("'", "''")
    connection.execute(f"attach '{path}' as {warehouse.stem} (read_only)")
    connection.execute(f"use {warehouse.stem}")


def _set_clock(connection: duckdb.DuckDBPyConnection, as_of: str, zone: str) -> None:
    """zone: text; as_of: date; as_of_end and month_ends: first moments after, naive UTC."""
    day = date.fromisoformat(as_of)
    firsts = (date(day.year - n // 12, n % 12 + 1, 1) for n in range(12 * 10))
    months = [_midnight(first, zone) for first in firsts]
    connection.execute("set variable zone = ?", [zone])
    connection.execute("set variable as_of = cast(? as date)", [as_of])
    end = _midnight(day + timedelta(days=1), zone)
    connection.execute("set variable as_of_end = cast(? as timestamp)", [end])
    connection.execute("set variable month_ends = cast(? as timestamp[])", [months])


def _midnight(day: date, zone: str) -> datetime:
    local = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return local.astimezone(UTC).replace(tzinfo=None)


def _note_plan(connection: duckdb.DuckDBPyConnection, planned: Planned) -> None:
    connection.execute("create temp table planned (sync varchar, sync_key varchar)")
    rows = [list(row) for row in planned]
    if rows:
        connection.executemany("insert into planned values (?, ?)", rows)


def _note_candidates(connection: duckdb.DuckDBPyConnection) -> None:
    """candidates (sync, sync_key, person_id, email): every row of every sync model about a person."""
    connection.execute(
        "create temp table candidates (sync varchar, sync_key varchar, person_id varchar, email varchar)"
    )
    found = connection.execute("""
        select table_name, list_contains(list(column_name), 'email') from information_schema.columns
        where table_catalog = current_catalog() and table_schema = 'activation' and table_name like 'sync_%'
        group by table_name
        having list_has_all(list(column_name), ['sync_key', 'person_id'])""").fetchall()
    for table, has_email in found:
        sync, email = table.removeprefix("sync_").replace("__", "_"), "email" if has_email else "null"
        rows = f'select ?, sync_key, person_id, {email} from activation."{table}"'
        connection.execute(f"insert into candidates {rows}", [sync])


def _area(connection: duckdb.DuckDBPyConnection, area: str) -> list[Figure]:
    """Figures of one area: over all cases, and by the troubles that measures.csv names for the measure."""
    rows = connection.execute((SQL / f"{area}.sql").read_text(encoding="utf-8")).fetchall()
    named = {(measure.area, measure.name): measure.troubles for measure in MEASURES}
    return [
        Figure(area, measure, trouble, None if value is None or not n else _rounded(value), int(n or 0))
        for measure, trouble, value, n in rows
        if trouble is None or trouble in named[area, measure]
    ]


def _rounded(value: float) -> float:
    """Nine digits: the last binary ones follow the order in which threads add, and are no error of a mart."""
    return round(float(value), 9)


def _without_data(found: list[Figure]) -> list[Figure]:
    """A figure of n = 0 for each measure and trouble that should be there and met no case."""
    there = {(figure.area, figure.measure, figure.trouble) for figure in found}
    return [
        Figure(measure.area, measure.name, trouble, None, 0)
        for measure in MEASURES
        for trouble in (None, *measure.troubles)
        if (measure.area, measure.name, trouble) not in there
    ]
