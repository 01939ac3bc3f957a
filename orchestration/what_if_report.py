"""The report of a what-if: from its outcome to text for a terminal and Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestration import what_if_kpis, what_if_routing
from orchestration.what_if import FEWEST_OUTCOMES, Judgement, WhatIf

VERDICTS = {
    "better": "the changed rules find opportunities better",
    "same": "the changed rules find opportunities as well as the rules in force",
    "worse": "the changed rules find opportunities WORSE: keep the rules in force",
    "too_few": f"too few to judge (件数不足): {FEWEST_OUTCOMES} opportunities are needed",
}


def as_lines(report: WhatIf) -> list[str]:
    """The report as text for a terminal."""
    moved = sum(row["people"] for row in report.bands)
    rerouted = sum(row["leads"] for row in report.routes)
    return [
        f"if {', '.join(report.changed)} were in force, as of {report.as_of} "
        f"({report.models_built} models built in {report.seconds:.0f} s):",
        f"  {moved} people would cross a threshold" + (":" if moved else ""),
        *(f"    {row['people']:>5}  {row['band_before']} -> {row['band_after']}" for row in report.bands),
        *(f"    {_person(row)}" for row in report.people),
        *(
            f"    {row['segment_kind']} {row['segment']}: hot {row['hot_before']} -> {row['hot_after']} "
            f"of {row['people']}"
            for row in report.segments
            if row["hot_before"] != row["hot_after"]
        ),
        f"  {rerouted} leads would have another owner" + (":" if rerouted else ""),
        *(
            f"    {row['leads']:>5}  {row['unit_before'] or 'nobody'} -> {row['unit_after'] or 'nobody'}"
            for row in report.routes
        ),
        *what_if_routing.as_lines(report.units),
        *(
            f"  {row['figure']}: {row['before']:,} -> {row['after']:,}"
            for row in report.figures
            if row["before"] != row["after"]
        ),
        *what_if_kpis.as_lines(report.kpis),
        *_back_test_lines(report),
    ]


def as_markdown(report: WhatIf) -> str:
    """The report as Markdown, without names of people, for a pull request that many read."""
    moved = sum(row["people"] for row in report.bands)
    parts = [
        f"## What if `{'`, `'.join(report.changed)}`",
        f"As of {report.as_of}; {report.models_built} models built in {report.seconds:.0f} s. "
        f"**{VERDICTS[report.verdict]}**.",
        f"### Back-test: opportunities within {report.horizon_days} days after each of the past months",
        _table(
            ("rules", "months", "scores", "opportunities", "AUC", "found in the top tenth", "buyers there"),
            [_judgement_row("in force", report.before), _judgement_row("changed", report.after)],
        ),
        f"### {moved} people would cross a threshold",
        _rows_as_table(report.bands),
        _rows_as_table(report.grades),
        "### By segment",
        _rows_as_table(report.segments),
        f"### {sum(row['leads'] for row in report.routes)} leads would have another owner",
        _rows_as_table(report.routes),
        f"### Sales units over {what_if_routing.MONTHS} months of leads",
        _rows_as_table(what_if_routing.as_rows(report.units)) or "No unit would have more or less.",
        "### What else would change, last 24 months",
        _rows_as_table([row for row in report.figures if row["before"] != row["after"]]),
        f"### KPIs, last {what_if_kpis.MONTHS} months",
        _rows_as_table(what_if_kpis.as_rows(report.kpis)) or "No KPI would change.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _person(row: dict[str, Any]) -> str:
    return (
        f"{row['display_name']} ({row['company_name'] or 'company unknown'}): {row['score_before']:.2f} "
        f"{row['band_before']} -> {row['score_after']:.2f} {row['band_after']}"
    )


def _back_test_lines(report: WhatIf) -> list[str]:
    before, after = report.before, report.after
    since = f"opportunities of the {report.horizon_days} days after each"
    lines = [f"  back-test: scores of {before.months} past months, {since}"]
    if report.verdict != "too_few":
        lines += [f"    rules in force  {_judgement(before)}", f"    changed rules   {_judgement(after)}"]
    return [*lines, f"    {VERDICTS[report.verdict]}" + _how_few(report)]


def _how_few(report: WhatIf) -> str:
    return f", {report.before.hits} are known" if report.verdict == "too_few" else ""


def _judgement(judged: Judgement) -> str:
    return (
        f"AUC {judged.auc:.3f}; the top tenth held {judged.found_in_top_tenth:.0%} of {judged.hits} "
        f"opportunities and {judged.buyers_in_top_tenth} of {judged.buyers} later buyers"
    )


def _judgement_row(name: str, judged: Judgement) -> tuple[str, ...]:
    few = judged.hits < FEWEST_OUTCOMES or judged.auc is None
    return (
        name,
        f"{judged.months:,}",
        f"{judged.people:,}",
        f"{judged.hits:,}",
        "件数不足" if few else f"{judged.auc:.3f}",
        "件数不足" if few else f"{judged.found_in_top_tenth:.0%}",
        f"{judged.buyers_in_top_tenth:,} of {judged.buyers:,}",
    )


def _rows_as_table(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    return _table(
        tuple(name.replace("_", " ") for name in rows[0]),
        [tuple("" if value is None else str(value) for value in row.values()) for row in rows],
    )


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
