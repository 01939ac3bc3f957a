"""From the rows of a block to the places of lines and bars: per cents of a drawing that browsers stretch.

Result + columns + Words  ->  plain data for the macros `lines` and `bars`; nothing is drawn by a script, so a
chart is there with the first paint, on paper, and without JavaScript.

Lines lie in an SVG of 100 by 100 units that is stretched to its box, while its strokes keep their width;
every word stands outside of it as text of the page, so that it keeps its size on a phone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dashboards.publication import Result
from dashboards.words import Words, form_of

TICKS = 4
ROOM = 16.0  # em that the labels below a chart have on a phone; a desktop has twice that
FORMS = {"fraction": "percent", "JPY": "yen"}  # the form of a unit of the KPI catalogue
MANY = 40  # points from which on a line is drawn without dots


def lines(
    words: Words, result: Result, x: str, columns: Sequence[str], unit: str | None = None
) -> dict[str, Any]:
    """Lines over `x`, one a column: ticks, labels, paths and what to tell at each place.

    A value that is not known breaks its line. unit: the column with the unit of the values, the same in all
    rows; without it their names say it.
    """
    form = FORMS.get(result.rows[0][unit], "plain") if unit else form_of(columns[0])
    labels = [words.value(x, row[x]) for row in result.rows]
    low, high, step = scale([row[column] for row in result.rows for column in columns])
    across = [round(100 * (place + 0.5) / len(labels), 3) for place in range(len(labels))]
    shown, on_desktop = _stride(labels)
    return {
        "kind": "line",
        "ticks": [
            {"text": _tick(words, form, value), "at": _share(value, low, high)}
            for value in _steps(low, high, step)
        ],
        "labels": [
            {"text": text, "at": at, "is_narrow": (len(labels) - 1 - place) % shown == 0}
            for place, (text, at) in enumerate(zip(labels, across, strict=True))
            if (len(labels) - 1 - place) % on_desktop == 0
        ],
        "series": [
            {
                "name": words.label(column),
                "path": (path := _path(across, [_height(row[column], low, high) for row in result.rows])),
                "dots": _dots(path) if len(labels) <= MANY else "",
            }
            for column in columns
        ],
        "places": _places(words, result, x, columns, across, unit),
    }


def bars(
    words: Words, result: Result, x: str, columns: Sequence[str], unit: str | None = None
) -> dict[str, Any]:
    """Horizontal bars, a group for each row, each with its value beside it; below zero they go left."""
    low, high, _ = scale([row[column] for row in result.rows for column in columns])
    zero = _share(0, low, high)
    groups = []
    for row in result.rows:
        ends = [_share(row[column] or 0, low, high) for column in columns]
        groups.append(
            {
                "name": words.value(x, row[x]),
                "bars": [
                    {
                        "from": min(zero, end),
                        "width": round(abs(end - zero), 3),
                        "value": told(words, row, column, unit),
                    }
                    for column, end in zip(columns, ends, strict=True)
                ],
            }
        )
    return {
        "kind": "bars",
        "groups": groups,
        "zero": zero,
        "series": [{"name": words.label(column)} for column in columns],
    }


def told(words: Words, row: dict[str, Any], column: str, unit: str | None) -> str:
    """A value of a chart as text, in the unit that the row names if it names one."""
    return words.in_unit(row[column], row[unit]) if unit else words.value(column, row[column])


def scale(values: Sequence[Any]) -> tuple[float, float, float]:
    """The lowest and highest tick and the step between ticks (1, 2, 2.5 or 5 times a power of ten) for
    values; zero is always among the ticks."""
    known = [float(value) for value in values if value is not None]
    low, high = min([0.0, *known]), max([0.0, *known])
    if low == high:
        high = 1.0
    rough = (high - low) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 2.5, 5, 10) if size * power >= rough * (1 - 1e-9))
    return math.floor(low / step) * step, math.ceil(high / step - 1e-9) * step, step


def _steps(low: float, high: float, step: float) -> list[float]:
    return [low + number * step for number in range(round((high - low) / step) + 1)]


def _share(value: Any, low: float, high: float) -> float:
    return round(100 * (float(value) - low) / (high - low), 3)


def _height(value: Any, low: float, high: float) -> float | None:
    """The distance from the top, as SVG counts."""
    return None if value is None else round(100 - _share(value, low, high), 3)


def _path(across: Sequence[float], down: Sequence[float | None]) -> str:
    """The path of a line; it starts anew after a value that is not known, and one alone is a dot."""
    parts, is_open = [], False
    for x, y in zip(across, down, strict=True):
        if y is not None:
            parts.append(f"{'L' if is_open else 'M'}{x:g} {y:g}" + ("" if is_open else "h0"))
        is_open = y is not None
    return "".join(parts)


def _dots(path: str) -> str:
    """A dot for each point of a path: lines without length, whose round ends are not stretched."""
    return path.replace("h0", "").replace("L", "h0M") + ("h0" if path else "")


def _stride(labels: Sequence[str]) -> tuple[int, int]:
    """Every how manieth label finds room on a phone, and on a desktop."""
    # A letter of Japanese is one em wide, a Latin letter or digit about half of it.
    widest = max((sum(0.55 if letter.isascii() else 1.0 for letter in label) for label in labels), default=1)
    need = (widest + 1) * len(labels)
    on_desktop = max(1, math.ceil(need / (2 * ROOM)))
    return on_desktop * max(1, math.ceil(need / (ROOM * on_desktop))), on_desktop


def _tick(words: Words, form: str, value: float) -> str:
    """A value on the axis, as short as people write it: 30%, ¥2億, 50k."""
    if form == "percent":
        return f"{value * 100:.10g}%"
    size, unit = next(
        ((size, unit) for size, unit in words.texts["interface"]["large_numbers"] if abs(value) >= size),
        (1, ""),
    )
    sign = "¥" if form == "yen" else ""
    return f"{'−' if value < 0 else ''}{sign}{abs(value) / size:,.10g}{unit}"


def _places(
    words: Words,
    result: Result,
    x: str,
    columns: Sequence[str],
    across: Sequence[float],
    unit: str | None,
) -> list[dict[str, Any]]:
    """What is told where the reader points: the label and the value of each line; the right half tells to the
    left."""
    width = round(100 / len(across), 3)
    return [
        {
            "from": round(at - width / 2, 3),
            "width": width,
            "is_right": at > 50,
            "label": words.value(x, row[x]),
            "told": [(words.label(column), told(words, row, column, unit)) for column in columns],
        }
        for at, row in zip(across, result.rows, strict=True)
    ]
