"""Touches that grow by day: what a day's new lines cost on a short and on a ten times longer history.

    requests invented in SQL -> page views -> sessions -> touches with their persons, by dbt in this process

The identity stage is not measured here: its small tables (who a visitor is from when on) are written as they
would stand. A day brings 50,000 new page views of old and new visitors, and names some of the old ones, whose
whole past is bound anew. Seconds of the processor stand beside the wall's, since other work moves the wall
clock. The points of the as-of day are held against one statement that joins, fades and caps the same rows.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
from figure import Figure

from orchestration import ingest, transform
from orchestration.home import ALL_KNOWN, DEFAULT_ZONE, Home

DAYS = 365  # of history; the first ends on the 31st of October 2026
AS_OF, NEXT_DAY = "2026-10-31", "2026-11-01"
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
    "fct_touches",
]
POINTS = [
    "int_rules_in_use",
    "int_score_days",
    "int_touch_points",
    "int_points_worth",
    "int_behaviour_points",
]

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
    timestamp '2026-11-01', 1, 'row'
from range($visitors) as numbers (n) where n % 5 = 1 limit $named
"""
BY_HAND = """
create or replace temp table by_hand as
with
    given as (
        select touches.person_id, touches.touch_id, touches.occurred_at, rules.*,
            date_diff('day', cast((case when touches.was_anonymous then spans.first_claimed_at
                else touches.occurred_at end at time zone 'UTC') at time zone 'Asia/Tokyo' as date),
                date '2026-10-31') as known_days,
            cast((touches.occurred_at at time zone 'UTC') at time zone 'Asia/Tokyo' as date) as occurred_on
        from behaviour.fct_touches as touches
        inner join scoring.scoring_rules as rules
            on touches.touch_type = rules.touch_type
            and (rules.content_category is null or rules.content_category = touches.content_category)
        left join identity.visitor_spans as spans
            on touches.was_anonymous and touches.visitor_id = spans.visitor_id
            and touches.occurred_at >= spans.span_from and touches.occurred_at < spans.span_to
        where not touches.is_machine and touches.person_id is not null and rules.score_kind = 'behaviour'
            and rules.rule_set = 'default'
    ),
    once as (
        select *, date_diff('day', occurred_on, date '2026-10-31') - coalesce(delay_days, 0) as age_days
        from given
        where known_days >= 0
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
    )
select person_id, touch_id, rule_id, case when cap_points is null then worth when cap_points >= 0
    then greatest(0, least(worth, cap_points - points_before))
    else least(0, greatest(worth, cap_points - points_before)) end as points
from before
"""


@dataclass(frozen=True)
class Cost:
    """Seconds of the wall clock and of this process's processors."""

    wall: float
    processor: float


@dataclass(frozen=True)
class History:
    """What was measured on one length of history."""

    full: Cost
    day: Cost
    points: Cost
    by_hand: Cost


def measure(size: str) -> list[Figure]:
    """A day on ten times the history may cost 1.2 times as much; points twice a statement by hand."""
    short, long, new = SIZES[size]
    with tempfile.TemporaryDirectory(prefix="ikusei-touches-") as folder:
        first = _history(Path(folder) / "short", short, new)
        second = _history(Path(folder) / "long", long, new)
    on = f"{new:,} new touches on {long:,} against {short:,}"
    return [
        Figure("touches_full_seconds", second.full.wall, "s", why=f"{long:,} touches from raw rows"),
        Figure("touches_day_seconds_short", first.day.wall, "s", why=f"{new:,} on {short:,}"),
        Figure("touches_day_seconds_long", second.day.wall, "s", why=f"{new:,} on {long:,}"),
        Figure("touches_day_wall_ratio", second.day.wall / first.day.wall, at_most=1.2, why=on),
        Figure(
            "touches_day_processor_ratio", second.day.processor / first.day.processor, at_most=1.2, why=on
        ),
        Figure(
            "points_over_by_hand_wall", second.points.wall / second.by_hand.wall, at_most=2, why=f"{long:,}"
        ),
        Figure(
            "points_over_by_hand_processor",
            second.points.processor / second.by_hand.processor,
            at_most=2,
            why=f"{long:,}",
        ),
    ]


def _history(folder: Path, rows: int, new: int) -> History:
    home, visitors = Home(folder / "home").prepare(), rows // 10
    (folder / "landing").mkdir(parents=True)
    ingest.ingest(home, landing=folder / "landing", zone=DEFAULT_ZONE)
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute(
            REQUESTS,
            {"from": 0, "rows": rows, "visitors": visitors, "seconds": DAYS * 86_400}
            | _moments("2025-11-01", "2026-11-02"),
        )
        for statement in IDENTITY.split(";\n"):
            named = {"visitors": visitors} if "$visitors" in statement else {}
            connection.execute(statement, named)
    _build(home, AS_OF, ["resource_type:seed", "group:staging", "machine_rules_in_force"], full=True)
    full = _build(home, AS_OF, FACTS, full=True)
    points = _build(home, AS_OF, POINTS, full=True)
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("set enable_progress_bar = false")
        by_hand = _cost(lambda: connection.execute(BY_HAND))
        connection.execute(
            REQUESTS,
            {"from": rows * 3, "rows": new, "visitors": visitors, "seconds": 40_000}
            | _moments("2026-10-31 16:00:00", "2026-11-03"),
        )
        connection.execute(NAMED, {"visitors": visitors, "named": max(1, int(new * NAMED_A_DAY))})
        before = _touches(connection)
    _build(home, NEXT_DAY, ["group:staging"], full=False)  # views, with the day's end in them
    day = _build(home, NEXT_DAY, FACTS, full=False)
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        assert _touches(connection) >= before + new, "the day's rows did not all come in"
    return History(full, day, points, by_hand)


def _touches(connection: duckdb.DuckDBPyConnection) -> int:
    return connection.execute("select count(*) from behaviour.fct_touches").fetchone()[0]


def _moments(begins: str, loaded: str) -> dict[str, datetime]:
    return {"begins": datetime.fromisoformat(begins), "loaded": datetime.fromisoformat(loaded)}


def _build(home: Home, as_of: str, select: list[str], *, full: bool) -> Cost:
    transform.manifest(home.warehouse, home.dbt_target)  # parsed before the clock starts
    clocks = json.dumps({"as_of": as_of, "known_at": ALL_KNOWN, "zone": DEFAULT_ZONE})
    # Without the data tests, which read all rows by their nature.
    words = ["build", "--vars", clocks, "--select", *select, "--exclude-resource-type", "test", "unit_test"]
    words += ["--full-refresh"] if full else []
    return _cost(lambda: transform._run(words, home.warehouse, home.dbt_target, transform.PROJECT, None))


def _cost(deed: Callable[[], object]) -> Cost:
    wall, processor = time.monotonic(), time.process_time()
    deed()
    return Cost(round(time.monotonic() - wall, 3), round(time.process_time() - processor, 3))
