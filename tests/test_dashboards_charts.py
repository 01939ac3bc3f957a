"""Drawings without a script: ticks that people read, lines that break at the unknown, bars below zero."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.changes import change
from dashboards.charts import bars, lines, scale
from dashboards.publication import Result
from dashboards.words import read_words

JA, EN = read_words("ja", "Asia/Tokyo"), read_words("en", "Asia/Tokyo")
amounts = st.none() | st.floats(-1e12, 1e12).filter(lambda value: value == 0 or abs(value) > 1e-9)


def result(**columns: list) -> Result:
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return Result(list(columns), rows)


@given(st.lists(amounts, min_size=1, max_size=30))
def test_ticks_hold_zero_and_every_value_in_a_few_even_steps(values: list[float | None]) -> None:
    low, high, step = scale(values)
    known = [0.0, *(value for value in values if value is not None)]
    assert low <= min(known) + step * 1e-6 and max(known) - step * 1e-6 <= high
    count = (high - low) / step
    assert math.isclose(count, round(count), abs_tol=1e-6) and 1 <= round(count) <= 6
    assert math.isclose(low / step, round(low / step), abs_tol=1e-6)


@given(st.lists(st.none() | st.integers(-1000, 1000), min_size=1, max_size=60))
def test_a_line_has_each_known_value_once_and_stays_in_its_box(values: list[int | None]) -> None:
    drawing = lines(
        EN,
        result(month=[f"2026-{n % 12 + 1:02}" for n in range(len(values))], people=values),
        "month",
        ["people"],
    )
    path = drawing["series"][0]["path"]
    points = re.findall(r"[ML](\S+) ([\d.]+)", path)
    assert len(points) == sum(value is not None for value in values)
    assert all(0 <= float(x) <= 100 and 0 <= float(y) <= 100 for x, y in points)
    runs = sum(v is not None and (n == 0 or values[n - 1] is None) for n, v in enumerate(values))
    assert path.count("M") == runs
    assert len(drawing["places"]) == len(values)


def test_what_is_not_known_breaks_a_line_and_one_value_alone_is_a_dot() -> None:
    months = ["2026-07", "2026-08", "2026-09", "2026-10"]
    path = lines(EN, result(month=months, people=[5, None, 10, 0]), "month", ["people"])["series"][0]["path"]
    assert path == "M12.5 50h0M62.5 0h0L87.5 100"


@pytest.mark.parametrize(
    ("words", "column", "top", "text"),
    [
        (JA, "revenue_jpy", 400_000_000, "¥4億"),
        (JA, "visitors", 50_000, "6万"),
        (EN, "visitors", 50_000, "60k"),
        (EN, "action_rate_new", 0.02, "2%"),
        (EN, "leads_new", 400, "400"),
    ],
)
def test_ticks_are_written_short_in_the_readers_language(words, column: str, top: float, text: str) -> None:
    drawing = lines(words, result(month=["2026-10"], **{column: [top]}), "month", [column])
    assert drawing["ticks"][0]["text"] in ("0", "0%", "¥0") and drawing["ticks"][-1]["text"] == text


def test_bars_below_zero_go_to_the_left_of_it_and_tell_their_value() -> None:
    drawing = bars(
        EN,
        result(part=["visitors", "ripening"], opportunities_added=[3, -1]),
        "part",
        ["opportunities_added"],
    )
    right, left = (group["bars"][0] for group in drawing["groups"])
    assert right["from"] == drawing["zero"] and left["from"] + left["width"] == pytest.approx(drawing["zero"])
    assert right["width"] == pytest.approx(3 * left["width"], abs=0.01)
    assert left["value"] == "-1"


@pytest.mark.parametrize(
    ("column", "now", "text"),
    [("revenue_jpy", 2_780_000, "+¥2,780,000"), ("orders", 3, "+3"), ("orders", 0, "0")],
)
def test_a_change_from_nothing_is_told_as_the_difference_itself(column: str, now: int, text: str) -> None:
    assert change(JA, column, now, 0)["text"] == text
