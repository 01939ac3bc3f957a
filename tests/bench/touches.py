"""Touches that grow by day: what a day's new lines cost on a short and on a ten times longer history.

    requests invented in SQL -> page views -> sessions -> touches with their persons, by dbt

The identity stage is not measured here: its small tables (who a visitor is from when on) are written as they
would stand. A day brings 50,000 new page views of old and new visitors, and names some of the old ones, whose
whole past is bound anew. Ten days are timed, on both histories in turns and each in a process of its own as a
run is, and their mean is told: every third to fifth day the engine merges blocks of a table, not on the same
days on both histories, and the middle of three days holds that or does not by chance. Seconds of the
processor stand beside the wall's, since other work moves the wall clock. There are ten times the visitors on
ten times the history; points.py has the same visitors on both.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean
from typing import Any

import duckdb
from figure import Figure

from orchestration import ingest, transform
from orchestration.home import ALL_KNOWN, DEFAULT_ZONE, Home

DAYS = 365  # of history; the first ends on the 31st of October 2026
AS_OF = "2026-10-31"
DAYS_TIMED = 10
SIZES = {"full": (1_000_000, 10_000_000, 50_000), "quick": (100_000, 1_000_000, 5_000)}
NAMED_A_DAY = 0.005  # of the day's page views: browsers that make themselves known
FACTS = [
    "int_requests_classified",
    "int_page_views",
    "int_session_entries",
    "int_machine_visitors",
    "int_visitor_bindings",
    "int_channels_matched",
    "fct_sessions",
    "int_form_touches",
    "int_email_touches",
    "int_offline_touches",
    "int_other_touches",
    "int_touches",
    "int_touches_changed",
    "fct_touches",
]
BEFORE = ["resource_type:seed", "group:staging", "machine_rules_in_force"]

REQUESTS = """
insert into raw_web.requests by name
select
    md5('request' || (n + $from)) as row_key, 'www' as stream, 1 as occurrence,
    '198.51.100.' || (n % 250) as client_address,
    -- A visit is five pages in a row; who visits is spread over the whole history.
    'v' || md5('visitor' || ((((n + $from) // 5) * 7919) % $visitors)) as visitor_id,
    $begins + to_microseconds(cast((n // 5) * ($seconds * 5e6 / $rows) + (n % 5) * 40e6 as bigint))
        as occurred_at,
    'GET' as method,
    ['/products/crm/', '/price/', '/case/city-hall', '/blog/kpi-tree', '/'][1 + n % 5] as path,
    200 as status, 9000 as bytes, 'https://www.google.com/' as referrer, 'www.google.com' as referrer_host,
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/141.0' as user_agent,
    'bench' as source_file, n as line_number, $loaded as loaded_at
from range($rows) as numbers (n)
"""
IDENTITY = """
create schema if not exists identity;
create or replace table identity.visitor_spans as
select 'v' || md5('visitor' || n) as visitor_id, 1 as turn_number, timestamp '1900-01-01' as span_from,
    timestamp '9999-12-31' as span_to, md5('person' || n) as person_id, 0.9 as confidence,
    timestamp '2026-06-01' as first_claimed_at, 1 as claim_count, 'row' as evidence_row_key
from range($visitors) as numbers (n) where n % 5 = 0;
create table if not exists identity.person_identifiers (identifier varchar, identifier_kind varchar,
    identifier_value varchar, person_id varchar, first_seen_at timestamp);
create table if not exists identity.record_identifiers (row_key varchar, source varchar, seen_at timestamp,
    is_own_email boolean, is_role_mailbox boolean, identifier varchar);
create table if not exists identity.mail_visits (row_key varchar, visitor_id varchar, has_cookie boolean,
    mail_token varchar, occurred_at timestamp, machine_rule_id varchar);
"""
NAMED = """
insert into identity.visitor_spans
select 'v' || md5('visitor' || n), 1, timestamp '1900-01-01', timestamp '9999-12-31', md5('person' || n), 0.9,
    $claimed_at, 1, 'row'
from range($visitors) as numbers (n) where n % 5 = 1 limit $named offset $named_before
"""


@dataclass(frozen=True)
class Cost:
    """Seconds of the wall clock and of this process's processors."""

    wall: float
    processor: float


def measure(size: str) -> list[Figure]:
    """A day on ten times the history may cost 1.2 times as much."""
    short, long, new = SIZES[size]
    with tempfile.TemporaryDirectory(prefix="ikusei-touches-") as folder:
        homes = [(Path(folder) / str(rows), rows) for rows in (short, long)]
        _, full = [alone(_history, *home) for home in homes]
        one, ten = [mean(days) for days in in_turns(_day, [(*home, new) for home in homes])]
    on = f"{new:,} new touches on {long:,} against {short:,}"
    return [
        Figure("touches_full_seconds", full.wall, "s", why=f"{long:,} touches from raw rows"),
        Figure("touches_day_seconds_short", one.wall, "s", why=f"{new:,} on {short:,}"),
        Figure("touches_day_seconds_long", ten.wall, "s", why=f"{new:,} on {long:,}"),
        Figure("touches_day_wall_ratio", ten.wall / one.wall, at_most=1.2, why=on),
        Figure("touches_day_processor_ratio", ten.processor / one.processor, at_most=1.2, why=on),
    ]


def _history(folder: Path, rows: int) -> Cost:
    home = new_home(folder)
    invent(home, rows, rows // 10, seconds=DAYS * 86_400)
    build(home, AS_OF, BEFORE, full=True)
    return build(home, AS_OF, FACTS, full=True)


def _day(folder: Path, rows: int, new: int, number: int) -> Cost:
    home = Home(folder / "home")
    before = invent_a_day(home, rows, rows // 10, new, number)
    begin_a_day(home, number)
    cost = build(home, as_of_day(number), FACTS, full=False)
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        assert _touches(connection) >= before + new, "the day's rows did not all come in"
    return cost


def alone(deed: Callable[..., Any], *arguments: object) -> Any:
    """What a deed gives in a process of its own, as each run is one: an old process is slower."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(deed, *arguments).result()


def in_turns(day: Callable[..., Any], homes: Sequence[tuple]) -> list[tuple]:
    """The days of each home; each day on one after the other, so that both meet slow hours."""
    turns = [[alone(day, *home, number) for home in homes] for number in range(1, DAYS_TIMED + 1)]
    return list(zip(*turns, strict=True))


def mean(costs: Sequence[Cost]) -> Cost:
    """The mean of some costs, of the wall's and of the processor's."""
    return Cost(fmean(cost.wall for cost in costs), fmean(cost.processor for cost in costs))


def new_home(folder: Path) -> Home:
    """A home with the raw tables of an empty landing folder."""
    home = Home(folder / "home").prepare()
    (folder / "landing").mkdir(parents=True)
    ingest.ingest(home, landing=folder / "landing", zone=DEFAULT_ZONE)
    return home


def as_of_day(number: int) -> str:
    """The as-of day so many days after the history."""
    return (date.fromisoformat(AS_OF) + timedelta(days=number)).isoformat()


def begin_a_day(home: Home, number: int) -> None:
    """Before the clock starts: views have the day's end in them, and what was written is on the disk."""
    build(home, as_of_day(number), ["group:staging"], full=False)
    os.sync()


def invent(home: Home, rows: int, visitors: int, *, seconds: int) -> None:
    """Requests of so many visitors over so many seconds from November 2025 on, and who some of them are."""
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute(
            REQUESTS,
            {"from": 0, "rows": rows, "visitors": visitors, "seconds": seconds}
            | {"begins": datetime(2025, 11, 1), "loaded": datetime(2026, 11, 2)},
        )
        for statement in IDENTITY.split(";\n"):
            connection.execute(statement, {"visitors": visitors} if "$visitors" in statement else {})


def invent_a_day(home: Home, rows: int, visitors: int, new: int, number: int) -> int:
    """One more day of requests, and browsers that become known; returns the touches there were before."""
    later, named = timedelta(days=number - 1), named_a_day(new)
    begins = datetime.fromisoformat("2026-10-31 16:00:00") + later
    loaded = datetime.fromisoformat("2026-11-03") + later
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute(
            REQUESTS,
            {"from": rows * 3 + new * (number - 1), "rows": new, "visitors": visitors, "seconds": 40_000}
            | {"begins": begins, "loaded": loaded},
        )
        connection.execute(
            NAMED,
            {"visitors": visitors, "named": named, "named_before": named * (number - 1)}
            | {"claimed_at": begins + timedelta(hours=8)},
        )
        return _touches(connection)


def named_a_day(new: int) -> int:
    """How many browsers make themselves known among so many page views."""
    return max(1, int(new * NAMED_A_DAY))


def _touches(connection: duckdb.DuckDBPyConnection) -> int:
    return connection.execute("select count(*) from behaviour.fct_touches").fetchone()[0]


def build(home: Home, as_of: str, select: list[str], *, full: bool) -> Cost:
    """What it costs dbt to bring these models up to an as-of day; data tests read all rows, so without."""
    transform.manifest(home.warehouse, home.dbt_target)  # parsed before the clock starts
    clocks = json.dumps({"as_of": as_of, "known_at": ALL_KNOWN, "zone": DEFAULT_ZONE})
    words = ["build", "--vars", clocks, "--select", *select, "--exclude-resource-type", "test", "unit_test"]
    words += ["--full-refresh"] if full else []
    return cost(lambda: transform._run(words, home.warehouse, home.dbt_target, transform.PROJECT, None))


def cost(deed: Callable[[], object]) -> Cost:
    """Seconds that a deed takes, of the wall clock and of the processors."""
    wall, processor = time.monotonic(), time.process_time()
    deed()
    return Cost(round(time.monotonic() - wall, 3), round(time.process_time() - processor, 3))
