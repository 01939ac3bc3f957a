"""How far a person has come on the way to buying, held day by day against the sentence that defines it.

On each day the stage is the furthest of the deeds of the last `recent_days` days, and none where there is
none. The model works with periods and never looks at a day; here each day is looked at.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import duckdb
import jinja2
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.home import PROJECT

FIRST, DAYS, RECENT = date(2026, 1, 1), 40, 6
LAST = FIRST + timedelta(days=DAYS)
STAGES = {1: "awareness", 3: "search", 6: "action"}
deeds = st.lists(st.tuples(st.integers(0, DAYS), st.sampled_from(sorted(STAGES))), min_size=1, max_size=14)


def periods(done: list[tuple[int, int]]) -> list[dict]:
    """The rows of fct_buying_stages for one person who did these (day, stage number), oldest first."""
    model = Path(PROJECT / "models" / "5_lifecycle" / "fct_buying_stages.sql").read_text(encoding="utf-8")
    sql = jinja2.Template(model).render(
        ref=str,
        local_date=lambda moment: f"cast({moment} as date)",
        as_of_date=lambda: f"date '{LAST}'",
        dbt=SimpleNamespace(dateadd=lambda part, number, day: f"{day} + to_days({number})"),
    )
    with duckdb.connect() as connection:
        connection.execute(
            "create table buying_stages (buying_stage text, stage_number int, aidma_stage text, "
            "recent_days int)"
        )
        stages = [[name, number, "", RECENT] for number, name in STAGES.items()]
        connection.executemany("insert into buying_stages values (?, ?, ?, ?)", stages)
        connection.execute(
            "create table fct_touches (person_id text, buying_stage text, occurred_at timestamp, "
            "is_machine boolean)"
        )
        rows = [["p", STAGES[stage], FIRST + timedelta(days=day)] for day, stage in done]
        connection.executemany("insert into fct_touches values (?, ?, ?, false)", rows)
        found = connection.execute(f"select * from ({sql}) order by valid_from")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def stage_on(done: list[tuple[int, int]], day: int) -> int | None:
    """The definition: the furthest stage of the deeds that are not yet `RECENT` days old."""
    return max((stage for when, stage in done if 0 <= day - when < RECENT), default=None)


def day_by_day(done: list[tuple[int, int]]) -> list[int | None]:
    return [stage_on(done, day) for day in range(DAYS + 1)]


@given(deeds)
@settings(max_examples=25, deadline=None)
def test_on_each_day_the_stage_is_the_furthest_of_the_recent_deeds(done: list[tuple[int, int]]) -> None:
    told: list[int | None] = [None] * (DAYS + 1)
    for period in periods(done):
        ends = (period["valid_to"] - FIRST).days if period["valid_to"] else DAYS + 1
        for day in range((period["valid_from"] - FIRST).days, ends):
            assert told[day] is None, "two stages on one day"
            told[day] = period["stage_number"]
    assert told == day_by_day(done)


@given(deeds)
@settings(max_examples=25, deadline=None)
def test_falling_back_is_counted_once_with_or_without_a_silence_between(done: list[tuple[int, int]]) -> None:
    held: list[int] = []
    former = None
    for stage in day_by_day(done):
        if stage and stage != former:
            held.append(stage)
        former = stage
    fallen = sum(later < earlier for earlier, later in pairwise(held))
    told = periods(done)
    assert [period["stage_number"] for period in told] == held
    assert sum(period["is_regression"] for period in told) == fallen


@given(deeds, st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None)
def test_order_and_repetition_of_the_deeds_change_nothing(done: list[tuple[int, int]], dice) -> None:
    again = [*done, *done[:3]]
    dice.shuffle(again)
    assert periods(again) == periods(done)
