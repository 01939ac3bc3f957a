"""Laws of the funnel's mathematics: the SQL of the macros against exact fractions, on any input.

The macros are plain Jinja, so they are rendered here and run on DuckDB as the models do.
"""

from __future__ import annotations

import random
from fractions import Fraction

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment
from orchestrated import first_run

from orchestration.home import PROJECT

Episodes = list[tuple[int, bool]]
FREIREICH = [
    (6, True), (6, True), (6, True), (6, False), (7, True), (9, False), (10, True), (10, False), (11, False),
    (13, True), (16, True), (17, False), (19, False), (20, False), (22, True), (23, True), (25, False),
    (32, False), (32, False), (34, False), (35, False),
]  # fmt: skip


def curve_in_sql(episodes: Episodes) -> dict[int, float]:
    """Age in days: survival, by the macro."""
    source = (PROJECT / "macros/survival.sql").read_text(encoding="utf-8")
    query = Environment().from_string(source + "{{ kaplan_meier('episodes', 'cohort') }}").render()
    with duckdb.connect() as con:
        con.execute("create table episodes (cohort text, duration_days integer, is_event boolean)")
        con.executemany("insert into episodes values ('all', ?, ?)", episodes)
        rows = con.execute(f"select age_days, survival from ({query}) where events > 0").fetchall()
    return dict(rows)


def curve_in_fractions(episodes: Episodes) -> dict[int, Fraction]:
    """The definition, age by age."""
    survival, curve = Fraction(1), {}
    for age in sorted({days for days, is_event in episodes if is_event}):
        at_risk = sum(days >= age for days, _ in episodes)
        survival *= 1 - Fraction(sum(days == age for days, is_event in episodes if is_event), at_risk)
        curve[age] = survival
    return curve


def test_the_textbook_curve_comes_out_to_a_billionth() -> None:
    """K11. The 6-MP patients of Freireich et al. (1963)."""
    published = {6: 0.8571, 7: 0.8067, 10: 0.7529, 13: 0.6902, 16: 0.6275, 22: 0.5378, 23: 0.4482}
    found = curve_in_sql(FREIREICH)
    assert found == pytest.approx(
        {age: float(s) for age, s in curve_in_fractions(FREIREICH).items()}, abs=1e-9
    )
    assert {age: round(survival, 4) for age, survival in found.items()} == published


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=40))
def test_any_curve_equals_its_definition(episodes: Episodes) -> None:
    expected = {age: float(survival) for age, survival in curve_in_fractions(episodes).items()}
    assert curve_in_sql(episodes) == pytest.approx(expected, abs=1e-9)


FACTOR = st.floats(0, 1e6, allow_nan=False)


@settings(max_examples=40, deadline=None)
@given(st.tuples(FACTOR, FACTOR, FACTOR), st.tuples(FACTOR, FACTOR, FACTOR))
def test_the_parts_of_a_change_add_up_to_it(
    before: tuple[float, float, float], after: tuple[float, float, float]
) -> None:
    source = (PROJECT / "macros/changes.sql").read_text(encoding="utf-8")
    names = "['b0', 'b1', 'b2'], ['a0', 'a1', 'a2']"
    parts = ", ".join(f"{{{{ shapley_of_three({names}, {part}) }}}}" for part in range(3))
    factors = ", ".join(f"cast(? as double) as {side}{place}" for side in "ba" for place in range(3))
    query = Environment().from_string(f"{source} select {parts} from (select {factors}) as factors").render()
    with duckdb.connect() as con:
        found = con.execute(query, [*before, *after]).fetchone()
    change = after[0] * after[1] * after[2] - before[0] * before[1] * before[2]
    largest = max(1.0, *(abs(part) for part in found), after[0] * after[1] * after[2])
    assert sum(found) == pytest.approx(change, abs=1e-9 * largest)


def test_the_marts_curve_is_that_of_the_marts_leads() -> None:
    """Bridges, changes and attribution of the same build add up too: data tests beside them ran in it."""
    home, _ = first_run()
    with duckdb.connect(str(home.warehouse), read_only=True) as con:
        episodes = con.execute(
            "select duration_days, is_event from funnel.int_opportunity_episodes"
        ).fetchall()
        curve = con.execute(
            "select age_days, survival from funnel.fct_opportunity_curves where cohort = 'all'"
        ).fetchall()
    assert any(is_event for _, is_event in episodes)
    expected = {age: float(survival) for age, survival in curve_in_fractions(episodes).items()}
    assert dict(curve) == pytest.approx(expected, abs=1e-9)


def hits_ratios(runs: int, people: int, rate: float, lift: float) -> list[tuple[float, float]]:
    """Interval of the lift of a list over its control, of `runs` invented months."""
    source = (PROJECT / "macros/survival.sql").read_text(encoding="utf-8")
    bounds = ", ".join(
        f"{{{{ risk_ratio('hits', 'n', 'hits_of_others', 'n', {part}) }}}}" for part in (-1, 1)
    )
    query = Environment().from_string(f"{source} select {bounds} from months").render()
    dice = random.Random(7)
    drawn = [
        [sum(dice.random() < chance for _ in range(people)) for chance in (rate * lift, rate)]
        for _ in range(runs)
    ]
    with duckdb.connect() as con:
        con.execute("create table months (n double, hits double, hits_of_others double)")
        con.executemany("insert into months values (?, ?, ?)", [[people, *hits] for hits in drawn])
        return con.execute(query).fetchall()


@pytest.mark.parametrize("lift", [1.0, 2.0])
def test_the_interval_of_a_lists_lift_holds_the_true_lift(lift: float) -> None:
    """K21. Of 1,000 worlds at least 94 % hold it; where there is none, hardly any claims one."""
    intervals = hits_ratios(1000, 300, 0.08, lift)
    assert sum(low <= lift <= high for low, high in intervals) >= 940
    if lift == 1.0:
        assert sum(low > 1 for low, _ in intervals) <= 35
