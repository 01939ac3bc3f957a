"""Hand-overs in SQL against a person who walks the protocol with a paper calendar, on random deeds of sales.

The SQL is that of the models as dbt compiled it for the invented company; the judge below knows the calendar
from the package of holidays alone, goes hour by hour, and shares nothing with the models.
"""

from __future__ import annotations

import csv
import random
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import holidays
import pytest
from orchestrated import AS_OF, first_run

from orchestration import calendars

TOKYO = ZoneInfo("Asia/Tokyo")
NOW = datetime.combine(date.fromisoformat(AS_OF) + timedelta(days=1), datetime.min.time())
STARTS = ("claimed", "contacted", "qualified")  # where sales was at work before
SIGNALS = ("claimed", "contacted", "qualified", "returned", "recycled")
Walked = tuple[Path, dict[str, str]]
Deeds = list[tuple[datetime, str]]

SIGNALS_PLACED = """
create table routing.int_handoff_signals as
select signals.*, cast(seconds_before + least(greatest(floor(epoch(signalled_at) - epoch(opens_at)), 0),
    open_seconds) as bigint) as working_seconds, null as acting_unit_id
from signals
inner join routing.int_business_days as days
    on cast(((signalled_at at time zone 'UTC') at time zone 'Asia/Tokyo') as date) = days.day
"""


@pytest.fixture(scope="module")
def walked() -> Walked:
    """The built warehouse, and the compiled SQL of the models that walk, by name."""
    home, _ = first_run()
    folder = home.dbt_target / "compiled/ikusei/models/6_routing"
    names = ("int_handoff_clocks", "fct_handoff_transitions")
    return home.warehouse, {name: (folder / f"{name}.sql").read_text(encoding="utf-8") for name in names}


def test_the_holidays_are_those_of_the_law() -> None:
    file = calendars.FOLDER / "public_holidays.csv"
    assert file.read_text(encoding="utf-8") == calendars.as_csv(calendars.countries())


@pytest.mark.parametrize("seed", range(4))
def test_a_walk_with_a_paper_calendar_finds_every_hand_over_where_the_models_have_it(
    walked: Walked, seed: int
) -> None:
    dice = random.Random(seed)
    stories = {f"r{number}": story(dice) for number in range(60)}
    starts = {route: dice.choice(STARTS) for route in stories if dice.random() < 0.3}
    found = walked_in_sql(walked, stories, starts)
    calendar = Calendar()
    for route, (routed_at, deeds) in stories.items():
        begun = walk(calendar, routed_at, deeds, starts.get(route, "routed"))
        assert found[route] == begun, (route, routed_at, deeds)


def test_silence_of_all_is_over_when_the_deadlines_are(walked: Walked) -> None:
    """Both reps wait: nine working hours later the lead moves, over golden week and the year's end."""
    monday = local(2026, 5, 1, 17, 0)  # a Friday before three holidays and two Sundays
    found = walked_in_sql(walked, {"r": (monday, []), "s": (local(2025, 12, 26, 18, 30), [])})
    assert found["r"] == [
        ("routed", monday),
        ("escalated", local(2026, 5, 7, 17, 0)),
        ("recycled", local(2026, 5, 8, 17, 0)),
    ]
    assert found["s"][1:] == [
        ("escalated", local(2026, 1, 5, 18, 0)),
        ("recycled", local(2026, 1, 6, 18, 0)),
    ]


# -- stories ---------------------------------------------------------------------------------------


def local(*moment: int) -> datetime:
    """A moment of Tokyo in UTC without an offset, as the warehouse has it."""
    return datetime(*moment, tzinfo=TOKYO).astimezone(ZoneInfo("UTC")).replace(tzinfo=None)


def story(dice: random.Random) -> tuple[datetime, Deeds]:
    """When a lead was routed, and up to five deeds of sales in the following weeks (some on Sundays)."""
    routed_at = datetime(2026, 1, 1) + timedelta(seconds=dice.randrange(300 * 86400))
    moments = [
        routed_at + timedelta(seconds=dice.randrange(dice.choice([2, 12, 90]) * 86400)) for _ in range(5)
    ]
    deeds = [(at, dice.choice(SIGNALS)) for at in moments[: dice.randrange(6)] if at < NOW]
    return routed_at, sorted(set(deeds))


# -- the product -----------------------------------------------------------------------------------


def walked_in_sql(
    walked: Walked, stories: dict[str, tuple[datetime, Deeds]], starts: dict[str, str] | None = None
) -> dict[str, list[tuple[str, datetime]]]:
    """The compiled model over these stories: route -> (state, since) in order."""
    built, sql = walked
    with duckdb.connect() as con:
        con.execute(f"attach '{built}' as built (read_only); attach ':memory:' as warehouse; use warehouse")
        con.execute("create schema routing; set timezone = 'UTC'")
        for name in ("handoff_states", "handoff_transitions", "sales_units", "int_business_days"):
            con.execute(f"create table routing.{name} as from built.routing.{name}")
        con.execute("create table routing.routing_parameters as from built.routing.routing_parameters")
        con.execute(
            "create table routing.fct_lead_routes (route_id text, owner_unit_id text, routed_at timestamp)"
        )
        con.execute("create table signals (route_id text, signal text, signalled_at timestamp)")
        for route, (routed_at, deeds) in stories.items():
            con.execute("insert into routing.fct_lead_routes values (?, 'prod-crm', ?)", [route, routed_at])
            for at, signal in deeds:
                con.execute("insert into signals values (?, ?, ?)", [route, signal, at])
        con.execute("create table routing.int_handoff_starts (route_id text, starts_as text)")
        for start in (starts or {}).items():
            con.execute("insert into routing.int_handoff_starts values (?, ?)", list(start))
        con.execute(f"create table routing.int_handoff_clocks as {sql['int_handoff_clocks']}")
        con.execute(SIGNALS_PLACED)
        walk_of_all = f"select route_id, to_state, moved_at from ({sql['fct_handoff_transitions']})"
        rows = con.execute(f"{walk_of_all} order by route_id, step").fetchall()
    found: dict[str, list[tuple[str, datetime]]] = {}
    for route, state, at in rows:
        found.setdefault(route, []).append((state, at.replace(microsecond=0)))
    return found


# -- the judge -------------------------------------------------------------------------------------


class Calendar:
    """Working time of the company: Monday to Friday, nine to six, no holidays, closed at the year's end."""

    def __init__(self) -> None:
        self.holidays = holidays.country_holidays("JP", years=range(2025, 2029))

    def is_open(self, day: date) -> bool:
        closed = {(12, 29), (12, 30), (12, 31), (1, 2), (1, 3)}
        return day.weekday() < 5 and day not in self.holidays and (day.month, day.day) not in closed

    def after(self, start: datetime, hours: int) -> datetime:
        """The moment at which so many working hours have passed since `start` (UTC)."""
        left, at = timedelta(hours=hours), start.replace(tzinfo=ZoneInfo("UTC")).astimezone(TOKYO)
        while True:
            opens, closes = (at.replace(hour=h, minute=0, second=0, microsecond=0) for h in (9, 18))
            if self.is_open(at.date()) and at < closes:
                at = max(at, opens)
                if at + left <= closes:
                    return (at + left).astimezone(ZoneInfo("UTC")).replace(tzinfo=None)
                left -= closes - at
            at = (at + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)

    def worked_between(self, start: datetime, end: datetime) -> timedelta:
        """Working time from one moment (UTC) to a later one."""
        total, day = timedelta(), (start + timedelta(hours=9)).date()
        while day <= (end + timedelta(hours=9)).date():
            if self.is_open(day):
                opens, closes = (
                    local(day.year, day.month, day.day, 9),
                    local(day.year, day.month, day.day, 18),
                )
                total += max(min(closes, end) - max(opens, start), timedelta())
            day += timedelta(days=1)
        return total


def walk(
    calendar: Calendar, routed_at: datetime, deeds: Deeds, start: str = "routed"
) -> list[tuple[str, datetime]]:
    """The states of one hand-over, one after the other."""
    with (calendars.FOLDER / "handoff_transitions.csv").open(encoding="utf-8", newline="") as file:
        moves = [row for row in csv.DictReader(file) if row["protocol_id"] == "agreed"]
    path = [(start, routed_at)]
    while True:
        state, since = path[-1]
        here = [move for move in moves if move["from_state"] == state]
        hours = [(int(m["after_business_hours"]), m["to_state"]) for m in here if not m["on_signal"]]
        told = {m["on_signal"]: m["to_state"] for m in here if m["on_signal"]}
        heard = [(at, told[signal]) for at, signal in deeds if signal in told and at >= since]
        if hours:  # in time is also who acts in the pause after the last working hour
            limit = timedelta(hours=hours[0][0])
            heard = [one for one in heard if calendar.worked_between(since, one[0]) <= limit]
        if heard:
            first = min(at for at, _ in heard)
            path.append((min(to for at, to in heard if at == first), first))
        elif hours and (due := calendar.after(since, hours[0][0])) <= NOW:
            path.append((hours[0][1], due))
        else:
            return path
