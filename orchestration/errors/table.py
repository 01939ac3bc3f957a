"""The table: from figures to JSON for programs, Markdown for people and rows for the page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from orchestration.errors.figures import BEST, MEASURES, Figure

COLUMNS = ("rank", "area", "measure", "trouble", "value", "n")


def as_json(figures: Sequence[Figure]) -> str:
    """A flat list of {area, measure, trouble, value, n}, worst first."""
    rows = [
        json.dumps(
            {"area": f.area, "measure": f.measure, "trouble": f.trouble, "value": f.value, "n": f.n},
            ensure_ascii=False,
        )
        for f in figures
    ]
    return "[\n" + ",\n".join(f" {row}" for row in rows) + "\n]\n"


def as_rows(figures: Sequence[Figure]) -> list[list[Any]]:
    """Rows of reporting.rpt_errors, in the order of COLUMNS; rank 1 is the worst."""
    return [[rank, f.area, f.measure, f.trouble, f.value, f.n] for rank, f in enumerate(figures, start=1)]


def as_markdown(figures: Sequence[Figure], arguments: Mapping[str, Any]) -> str:
    """The table for people: what is wrong, worst first, then what is right, then what was not measured."""
    wrong = [f for f in figures if f.error and not f.is_forecast]
    guesses = [f for f in figures if f.error and f.is_forecast]
    right = [f for f in figures if f.n and f.error == 0]
    plain = [f for f in figures if f.n and f.error is None]
    absent = [f for f in figures if not f.n]
    made_by = ", ".join(f"{name} {value}" for name, value in arguments.items())
    parts = [
        "# Table of errors",
        f"Marts of an invented world ({made_by}) against its truth: {len(wrong)} figures are not exact, "
        f"{len(right)} are, {len(guesses)} are forecasts, {len(plain)} have no right value, {len(absent)} "
        "met no case.",
        *_section("Not exact, worst first", wrong),
        *_section("Forecasts, which no reading of traces makes exact", guesses),
        *_section("Exact", right),
        *_section("Without a right value", plain),
        *([f"## No case in this world\n\n{_names(absent)}"] if absent else []),
        "## What the measures mean",
        "\n".join(f"* {m.area}, `{m.name}`: {m.meaning}." for m in MEASURES),
    ]
    return "\n\n".join(parts) + "\n"


def shown_lines(figures: Sequence[Figure], most: int = 15) -> list[str]:
    """The worst readings and the forecasts, as lines for a terminal."""
    wrong = [f for f in figures if f.error and not f.is_forecast]
    guesses = [f for f in figures if f.n and f.error is not None and f.is_forecast]
    more = [f"  and {len(wrong) - most} more"] if len(wrong) > most else []
    worst = ["the worst figures:", *map(_plain, wrong[:most]), *more] if wrong else ["every figure is exact"]
    return [*worst, "forecasts:", *map(_plain, guesses)] if guesses else worst


def _plain(f: Figure) -> str:
    return f"  {f.area:<11} {f.measure:<43} {f.trouble or '':<20} {shown_value(f):>8}  n = {f.n:,}"


def _section(title: str, figures: Sequence[Figure]) -> list[str]:
    if not figures:
        return []
    head = "| area | measure | trouble | value | best | n |\n|---|---|---|---:|---:|---:|"
    return [f"## {title}", "\n".join([head, *map(_line, figures)])]


def _line(figure: Figure) -> str:
    best = BEST.get((figure.area, figure.measure))
    shown = "" if best is None else f"{best:g}"
    trouble = figure.trouble or "(all)"
    return (
        f"| {figure.area} | {figure.measure} | {trouble} | {shown_value(figure)} | {shown} | {figure.n:,} |"
    )


def shown_value(figure: Figure) -> str:
    """Four digits; a value that is not exact never shows as if it were."""
    if figure.value is None:
        return "-"
    text = f"{figure.value:.4f}"
    return f"{figure.value:.6g}" if figure.error and float(text) in (0.0, 1.0) else text


def _names(figures: Sequence[Figure]) -> str:
    return ", ".join(
        sorted(f"{f.area} {f.measure}" + (f" ({f.trouble})" if f.trouble else "") for f in figures)
    )
