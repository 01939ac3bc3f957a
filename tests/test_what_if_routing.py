"""What-if for routing: a replay of the same leads in plain Python says the same of every sales unit."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from math import isclose
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest
from orchestrated import first_run

from orchestration.home import PROJECT
from orchestration.what_if import what_if
from orchestration.what_if_routing import FEWEST_LEADS, UnitLoad, as_lines, as_rows, unit_loads

TODAY = date(2026, 10, 31)
TABLES = """
create schema {0}.routing; create schema {0}.scoring;
create table {0}.scoring.fct_lead_scores (as_of date);
create table {0}.routing.fct_lead_routes (route_id text, owner_unit_id text, routed_at timestamp,
    trigger_touch_type text, score_band text);
create table {0}.routing.fct_handoffs (route_id text, opportunity_created_at timestamp);
create table {0}.routing.fct_lead_credits (route_id text, unit_id text, credit_pct int);
create table {0}.routing.sales_units (unit_id text, capacity_per_month int);
"""
UNITS = {"north": 30, "south": 4, "desk": 1000}
Lead = tuple[str, str, datetime, str, str, bool]


def leads(dice: random.Random, count: int) -> list[Lead]:
    """(route, owner, when, trigger, band, whether it became an opportunity) over two years."""
    return [
        (
            f"r{number}",
            dice.choice(list(UNITS)),
            datetime(2024, 11, 1) + timedelta(minutes=dice.randrange(730 * 1440)),
            dice.choice(["inquiry", "page_view"]),
            dice.choice(["hot", "warm"]),
            dice.random() < 0.3,
        )
        for number in range(count)
    ]


def side_by_side(before: list[Lead], after: list[Lead]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for name, rows in (("before", before), ("after", after)):
        connection.execute(f"attach ':memory:' as {name}")
        connection.execute(TABLES.format(name))
        connection.execute(f"insert into {name}.scoring.fct_lead_scores values (?)", [TODAY])
        connection.executemany(f"insert into {name}.routing.sales_units values (?, ?)", list(UNITS.items()))
        for route, owner, at, trigger, band, is_hit in rows:
            connection.execute(
                f"insert into {name}.routing.fct_lead_routes values (?, ?, ?, ?, ?)",
                [route, owner, at, trigger, band],
            )
            connection.execute(
                f"insert into {name}.routing.fct_handoffs values (?, ?)", [route, at if is_hit else None]
            )
            shares = [(owner, 60), ("desk", 40)] if owner != "desk" else [("desk", 100)]
            connection.executemany(
                f"insert into {name}.routing.fct_lead_credits values (?, ?, ?)",
                [(route, unit, share) for unit, share in shares],
            )
    return connection


def replayed(past: list[Lead], rows: list[Lead]) -> dict[str, tuple[int, float, float, int]]:
    """unit -> leads, expected opportunities, credit, days over capacity; one lead after the other."""
    known = [one for one in past if one[2] < datetime(2026, 10, 31) - timedelta(days=90)]
    by_kind = defaultdict(list)
    for one in known:
        by_kind[one[3], one[4]].append(one[5])
    overall = sum(one[5] for one in known) / len(known)
    count, expected, credit, exceeded = Counter(), Counter(), Counter(), Counter()
    months, days = Counter(), defaultdict(set)
    for _, owner, at, trigger, band, _ in sorted(rows, key=lambda one: one[2]):
        if at < datetime(2025, 10, 31):
            continue
        alike = by_kind[trigger, band]
        count[owner] += 1
        expected[owner] += sum(alike) / len(alike) if len(alike) >= FEWEST_LEADS else overall
        credit[owner] += 1.0 if owner == "desk" else 0.6
        credit["desk"] += 0.0 if owner == "desk" else 0.4
        day = at.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo("Asia/Tokyo")).date()
        months[owner, day.year, day.month] += 1
        if months[owner, day.year, day.month] > UNITS[owner]:
            days[owner].add(day)
    for owner, over in days.items():
        exceeded[owner] = len(over)
    return {unit: (count[unit], expected[unit], credit[unit], exceeded[unit]) for unit in UNITS}


def figures(units: tuple[UnitLoad, ...], side: str) -> dict[str, tuple[int, float, float, int]]:
    names = ("leads", "expected", "credit", "days_exceeded")
    return {unit.unit_id: tuple(getattr(unit, f"{name}_{side}") for name in names) for unit in units}


@pytest.mark.parametrize("seed", range(6))
def test_every_unit_gets_what_a_replay_of_its_leads_gives(seed: int) -> None:
    dice = random.Random(seed)
    before = leads(dice, dice.choice([30, 120]))
    after = [(route, dice.choice(list(UNITS)), *rest) for route, _, *rest in before]
    units = unit_loads(side_by_side(before, after), "Asia/Tokyo")
    for side, rows in (("before", before), ("after", after)):
        found, told = figures(units, side), replayed(before, rows)
        assert found.keys() == told.keys()
        for unit, values in told.items():
            assert all(isclose(a, b, abs_tol=1e-9) for a, b in zip(found[unit], values, strict=True)), unit
    assert isclose(sum(u.expected_before for u in units), sum(u.expected_after for u in units))


def test_the_same_rules_change_no_unit() -> None:
    rows = leads(random.Random(1), 60)
    units = unit_loads(side_by_side(rows, rows), "Asia/Tokyo")
    assert not any(unit.is_changed or unit.is_overloaded for unit in units) and as_rows(units) == []
    assert as_lines(units) == ["  0 units would have more or less over 12 months"]


def test_a_planted_overload_is_flagged_and_the_losers_are_named_first() -> None:
    before = [(*one[:1], "desk", *one[2:]) for one in leads(random.Random(2), 120)]
    after = [(route, "south", *rest) for route, _, *rest in before]
    units = {unit.unit_id: unit for unit in unit_loads(side_by_side(before, after), "Asia/Tokyo")}
    assert units["south"].is_overloaded and not units["desk"].is_overloaded
    loser, winner = as_lines(tuple(units.values()))[1:]
    assert loser.strip().startswith("desk") and "OVERLOADED on" in winner


def test_a_changed_rule_file_tells_each_unit_what_it_would_win_and_lose(tmp_path: Path) -> None:
    """RT09, RT10, moonshot 6 on a built home: everything to inside sales."""
    home, _ = first_run()
    text = (PROJECT / "models/6_routing/routing_rules.csv").read_text(encoding="utf-8")
    head, *rows = text.splitlines()
    width = head.count(",") + 1
    everyone = dict.fromkeys(head.split(","), "") | {
        "rule_id": "R01", "priority": "1", "accountable_unit_id": "inside-sales", "credit_split": "owner:100",
        "agreed_by": "board", "agreed_on": "2026-01-01", "name_ja": "一括", "name_en": "All", "why": "Try",
        "why_ja": "試し",
    }  # fmt: skip
    hot = everyone | {"rule_id": "R02", "priority": "2", "min_score_band": "cold"}
    added = [",".join(rule.values()) for rule in (everyone, hot)]
    assert all(row.count(",") + 1 == width for row in added)
    (tmp_path / "routing_rules.csv").write_text("\n".join([head, *added, *rows]) + "\n", encoding="utf-8")
    report = what_if(home, tmp_path, horizon_days=20, say=lambda line: None)
    units = {unit.unit_id: unit for unit in report.units}
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        found = connection.execute("select owner_unit_id from routing.fct_lead_routes").fetchall()
    owners = Counter(owner for (owner,) in found)
    assert {unit: load.leads_before for unit, load in units.items() if load.leads_before} == owners
    assert units["inside-sales"].leads_after == sum(unit.leads_after for unit in report.units)
    assert units["inside-sales"].leads_after >= sum(owners.values()), "who never asked is taken in, too"
    assert isclose(units["inside-sales"].credit_after, units["inside-sales"].leads_after)
