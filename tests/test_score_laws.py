"""Laws of points: they leave with their window, rules have no order, and every point has its event."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import duckdb
import jinja2
from hypothesis import given, settings
from hypothesis import strategies as st
from orchestrated import AS_OF, first_run

from orchestration import transform
from orchestration.as_of import copy_raw
from orchestration.explain import explain_score
from orchestration.home import ALL_KNOWN, DEFAULT_ZONE, PROJECT
from orchestration.run import Clocks

DAY = date(2026, 3, 31)
DBT = SimpleNamespace(
    datediff=lambda first, second, unit: f"date_diff('{unit}', {first}, {second})",
    type_string=lambda: "varchar",
)
COLUMNS = (
    "person_id text, touch_id text, rule_id text, rule_version text, occurred_at timestamp, "
    "occurred_on date, known_on date, was_anonymous boolean, evidence text, rule_points decimal(18, 6), "
    "delay_days int, window_days int, half_life_days int, cap_points decimal(18, 6), once text"
)
rules = st.fixed_dictionaries(
    {
        "points": st.integers(-20, 40).filter(bool),
        "delay": st.integers(0, 5),
        "window": st.integers(1, 60),
        "half_life": st.one_of(st.none(), st.integers(5, 60)),
        "cap": st.one_of(st.none(), st.just(30)),
        "once": st.sampled_from([None, "day", "ever"]),
    }
)
deeds = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 70)), min_size=1, max_size=12)


def worth(given_rules: list[dict], done: list[tuple[int, int]], day: date) -> dict[tuple[str, str], object]:
    """(deed, rule) -> points on a day. Deeds are (rule number, days before DAY)."""
    parts = ["macros/points.sql", "models/4_scoring/int_points_worth.sql"]
    sql = jinja2.Template("\n".join((PROJECT / part).read_text(encoding="utf-8") for part in parts))
    with duckdb.connect() as connection:
        connection.execute(f"create table int_touch_points ({COLUMNS})")
        for number, (which, before) in enumerate(done):
            rule = given_rules[which % len(given_rules)]
            when = datetime(2026, 3, 31, 3) - timedelta(days=before)
            cap = rule["cap"] and (rule["cap"] if rule["points"] > 0 else -rule["cap"])
            row = ["p", f"t{number}", rule.get("name", "r"), "v", when, when.date(), when.date(), False, ""]
            row += [rule["points"], rule["delay"], rule["window"], rule["half_life"], cap, rule["once"]]
            connection.execute(f"insert into int_touch_points values ({', '.join('?' * 15)})", row)
        connection.execute("create table int_score_days as select cast(? as date) as scored_on", [day])
        found = connection.execute(sql.render(ref=str, dbt=DBT)).fetchall()
    return {(row[2], row[3]): row[5] for row in found}


@given(rules, deeds)
@settings(max_examples=15, deadline=None)
def test_points_leave_with_their_window_and_not_a_day_before(rule: dict, done: list[tuple[int, int]]) -> None:
    rule |= {"cap": None, "once": None}
    newest = min(before for _, before in done)
    last_day = DAY - timedelta(days=newest) + timedelta(days=rule["delay"] + rule["window"] - 1)
    the_newest = {f"t{number}" for number, (_, before) in enumerate(done) if before == newest}
    there, gone = worth([rule], done, last_day), worth([rule], done, last_day + timedelta(days=1))
    assert {deed for deed, _ in there} == the_newest, "its last day counts, older deeds do not"
    assert not gone


@given(st.lists(rules, min_size=2, max_size=2), deeds)
@settings(max_examples=15, deadline=None)
def test_the_order_of_rules_changes_nothing(pair: list[dict], done: list[tuple[int, int]]) -> None:
    named = [{**rule, "name": name} for rule, name in zip(pair, "ab", strict=True)]
    turned = [(1 - which, before) for which, before in done]
    assert worth(named, done, DAY) == worth(named[::-1], turned, DAY)


@given(rules, deeds)
@settings(max_examples=15, deadline=None)
def test_no_cap_is_ever_passed(rule: dict, done: list[tuple[int, int]]) -> None:
    rule |= {"cap": 30}
    total = sum(worth([rule], done, DAY).values())
    assert -30 <= total <= 30


@cache
def without_one_event() -> tuple[dict, dict, str]:
    """The points of a company, and those after one raw page view was taken away: (touch, rule) -> row."""
    home, _ = first_run()
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        # the row of a list: no session's border and no cookie hangs on it
        touch_id, row_key = connection.execute(
            "select points.touch_id, touches.row_key from scoring.fct_score_points as points "
            "inner join behaviour.fct_touches as touches on points.touch_id = touches.touch_id "
            "where touches.source = 'lists' and points.points > 0 order by 1 limit 1"
        ).fetchone()
        before = _points(connection)
    side = copy_raw(home.warehouse, home.root / "without" / home.warehouse.name)
    with duckdb.connect(str(side)) as connection:
        connection.execute("delete from raw_lists.rows where row_key = ?", [row_key])
    clocks = {"as_of": AS_OF, "known_at": ALL_KNOWN, "zone": DEFAULT_ZONE, "full_refresh": True}
    transform.build(side, home.dbt_target, **clocks, select=["+fct_lead_scores"], with_tests=False)
    with duckdb.connect(str(side), read_only=True) as connection:
        return before, _points(connection), touch_id


def _points(connection: duckdb.DuckDBPyConnection) -> dict:
    rows = connection.execute(
        "select touch_id, rule_id, points, nominal_points, occurred_at from scoring.fct_score_points "
        "where touch_id is not null"
    ).fetchall()
    return {row[:2]: row[2:] for row in rows}


def test_an_event_taken_away_takes_exactly_its_points(tmp_path: Path) -> None:
    before, after, touch_id = without_one_event()
    vanished = {key for key in before if key not in after}
    assert {touch for touch, _ in vanished} == {touch_id}
    assert not set(after) - set(before), "points came from nowhere"


# Everybody is merged with themselves three ways: an identifier with itself, two identifiers that one person
# has already, and a link that was once rejected and restored since.
MERGED_WITH_THEMSELVES = """
insert into raw_links.decisions by name
with
    decided as (
        select md5(identifier) as link_id, identifier as left_identifier, identifier as right_identifier,
            'accept' as decision, timestamp '2026-10-01' as decided_at
        from identity.person_identifiers
        union all
        select md5(person_id), min(identifier), max(identifier), 'accept', timestamp '2026-10-01'
        from identity.person_identifiers
        group by person_id
        having count(*) > 1
        union all
        select link_id, left_identifier, right_identifier, unnest(['reject', 'restore']),
            unnest([timestamp '2026-10-01', timestamp '2026-10-02'])
        from identity.identity_links
    )
select
    md5(decided::text) as row_key, 'links' as stream, 1 as occurrence, 'links/decisions.jsonl' as source_file,
    1 as line_number, timestamp '2026-10-03' as loaded_at, md5(decided::text) as decision_id,
    link_id, decision, left_identifier, right_identifier, 'a test' as decision_reason, 'test' as decided_by,
    decided_at
from decided
"""


def test_merging_people_with_themselves_changes_no_score() -> None:
    home, _ = first_run()
    side = copy_raw(home.warehouse, home.root / "merged" / home.warehouse.name)
    with duckdb.connect(str(side)) as connection:
        connection.execute(f"attach '{home.warehouse}' as built (read_only)")
        connection.execute("create schema identity")
        for table in ("person_identifiers", "identity_links"):
            rows = f"select * from built.identity.{table}"
            connection.execute(f"create table identity.{table} as {rows}")
        connection.execute(MERGED_WITH_THEMSELVES)
        decided = "select count(distinct left_identifier) from raw_links.decisions"
        assert connection.execute(decided).fetchone()[0] > 30
        connection.execute("detach built; drop schema identity cascade")
    clocks = {"as_of": AS_OF, "known_at": ALL_KNOWN, "zone": DEFAULT_ZONE, "full_refresh": True}
    marts = ["+fct_lead_scores", "+fct_score_history"]
    transform.build(side, home.dbt_target, **clocks, select=marts, with_tests=False)
    assert _hashes(side) == _hashes(home.warehouse)


def _hashes(warehouse: Path) -> list[tuple]:
    """Rows and the sum of their hashes, of the people and all that is said of their scores."""
    marts = (
        "identity.dim_people",
        "scoring.fct_score_points",
        "scoring.fct_lead_scores",
        "scoring.fct_score_history",
    )
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        sums = "select count(*), sum(cast(hash(mart) as hugeint)) from"
        return [connection.execute(f"{sums} {mart} as mart").fetchone() for mart in marts]


def test_scores_of_an_earlier_day_add_up_and_lead_to_file_and_line() -> None:
    home, _ = first_run()
    with duckdb.connect(str(home.published.resolve()), read_only=True) as connection:
        person = connection.execute(
            "select person_id from scoring.fct_lead_scores order by total_score desc, person_id limit 1"
        ).fetchone()[0]
    now = explain_score(home, person, zone=DEFAULT_ZONE)
    for day in ("2026-10-30", "2026-10-20"):
        then = explain_score(home, person, zone=DEFAULT_ZONE, on=Clocks(day, ALL_KNOWN, DEFAULT_ZONE))
        assert then.adds_up and then.as_of == day
        assert all(point.origin for point in then.points if point.score_kind == "behaviour")
    assert now.total_score != then.total_score
