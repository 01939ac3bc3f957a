"""Explain a KPI: from a published cell to its definition, its counts, their raw rows, and its history.

It reads the published file and the metric definitions beside it. A measure that stands on facts (visits,
forms, deals, orders, sends) is counted again row by row, and the count must be the number on the page.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from orchestration.home import Home
from orchestration.publish import metrics_of
from orchestration.restatements import CAUSES, Restatement
from orchestration.trouble import Trouble

SHOWN_ROWS = 10
AGGREGATES = {"sum": "sum({0})", "count_distinct": "count(distinct {0})", "max": "max({0})"}


@dataclass(frozen=True)
class Counted:
    """One side of a KPI: what is counted, how much, and the first rows behind it with file and line."""

    measure: str
    source: str
    amount: Any
    rows: int | None
    shown: tuple[str, ...] = ()
    published: Any = None  # what the page divides or shows


@dataclass(frozen=True)
class KpiExplained:
    lines: tuple[str, ...]
    adds_up: bool


def explain_kpi(
    home: Home, kpi: str, *, month: str | None = None, cut: str = "all", member: str = "all"
) -> KpiExplained:
    """Lead one cell back to its rows.

    Args:
        month: 'YYYY-MM' of the deed or of the lead; the newest period that has a value by default.
        cut, member: a part of it, such as channel and email; the whole by default.

    Raises:
        Trouble: nothing is published, the KPI is not in the catalogue, or it has no such cell.
    """
    if not home.published.exists():
        raise Trouble(f"nothing is published in {home.serving} yet: run `ikusei run` first")
    file = home.published.resolve()
    with duckdb.connect(str(file), read_only=True) as connection:
        entry = _entry(connection, kpi)
        lines = [*_definition(entry)]
        if entry["missing_data"]:
            return KpiExplained((*lines, f"no value: {entry['missing_data']}"), True)
        cell = _cell(connection, kpi, month, cut, member)
        lines += _value(cell, connection)
        sides = list(_sides(connection, _measures(file), entry, cell))
        lines += [line for side in sides for line in _side_lines(side)]
        lines += _history(connection, cell)
    return KpiExplained(tuple(lines), all(_agrees(side) for side in sides))


def restatement_lines(found: list[Restatement], kpi: str, period: str | None) -> list[str]:
    """Why this KPI says other than the publication before: a line for each month that differs."""
    lines = []
    for one in found:
        name, month, kind, _ = one.cell
        if name == kpi and kind == "all" and (period is None or month.startswith(period)):
            parts = ", ".join(
                f"{cause.replace('_', ' ')} {_short(one.parts[cause]):+}"
                for cause in CAUSES
                if one.parts[cause]
            )
            lines.append(f"{month[:7]}: {_short(one.former)} became {_short(one.now)}: {parts}")
    return lines or ["it says what the publication before said"]


def _entry(connection: duckdb.DuckDBPyConnection, kpi: str) -> dict[str, Any]:
    found = connection.execute("select * from funnel.kpi_catalogue where kpi_id = ?", [kpi])
    names = [column[0] for column in found.description]
    row = found.fetchone()
    if row is None:
        near = connection.execute(
            "select kpi_id from funnel.kpi_catalogue where name_ja is not null "
            "order by jaro_winkler_similarity(kpi_id, ?) desc limit 3",
            [kpi],
        ).fetchall()
        raise Trouble(f"there is no KPI {kpi}: did you mean {', '.join(name for (name,) in near)}?")
    return dict(zip(names, row, strict=True))


def _definition(entry: dict[str, Any]) -> Iterator[str]:
    yield f"{entry['kpi_id']}: {entry['name_ja']} / {entry['name_en']}"
    yield f"  formula     {entry['formula_ja']} ({entry['formula_en']})"
    yield f"  clock       {entry['clock']}; without {entry['exclusions']}"
    yield (
        f"  definition  {entry['definition_version']}, agreed by {entry['agreed_by']} on "
        f"{entry['agreed_on']}; {entry['requirements']}"
    )


def _cell(
    connection: duckdb.DuckDBPyConnection, kpi: str, month: str | None, cut: str, member: str
) -> dict[str, Any]:
    found = connection.execute(
        "select * from funnel.fct_kpis where kpi_id = ? and segment_kind = ? and segment_id = ? "
        "and (? is null or strftime(period, '%Y-%m') = ?) order by period desc limit 1",
        [kpi, cut, member, month, month],
    )
    names = [column[0] for column in found.description]
    row = found.fetchone()
    if row is None:
        raise Trouble(f"{kpi} has no cell for {month or 'any month'}, {cut} {member}: see the page of KPIs")
    return dict(zip(names, row, strict=True))


def _value(cell: dict[str, Any], connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    (run_id,) = connection.execute("select run_id from reporting.rpt_run").fetchone()
    where = "" if cell["segment_kind"] == "all" else f", {cell['segment_kind']} {cell['segment_id']}"
    quotient = "" if cell["denominator"] is None else f" = {cell['numerator']:f} / {cell['denominator']:f}"
    value = "no value" if cell["value"] is None else f"{cell['value']:.12g}"
    yield f"{cell['period']}{where}: {value}{quotient}  (run {run_id})"


def _measures(file: Path) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Measure and semantic model by the measure's name."""
    manifest = json.loads(metrics_of(file).read_text(encoding="utf-8"))
    return {
        measure["name"]: (measure, model)
        for model in manifest["semantic_models"]
        for measure in model["measures"]
    }


def _sides(
    connection: duckdb.DuckDBPyConnection,
    measures: dict[str, tuple[dict[str, Any], dict[str, Any]]],
    entry: dict[str, Any],
    cell: dict[str, Any],
) -> Iterator[Counted]:
    for name, amount in (
        (entry["measure"], cell["numerator"]),
        (entry["denominator_measure"], cell["denominator"]),
    ):
        if name is not None:
            yield _counted(connection, *measures[name], amount, cell)


def _counted(
    connection: duckdb.DuckDBPyConnection,
    measure: dict[str, Any],
    model: dict[str, Any],
    amount: Any,
    cell: dict[str, Any],
) -> Counted:
    """Count the measure's own rows of the month again; of a cut, or of sums kept by month, only say where."""
    table = f"{model['node_relation']['schema_name']}.{model['node_relation']['alias']}"
    is_of_facts = table != "funnel.fct_kpi_amounts" and cell["segment_kind"] == "all"
    if not is_of_facts:
        return Counted(measure["name"], table, amount, None)
    time = (measure.get("agg_time_dimension")) or model["defaults"]["agg_time_dimension"]
    column = next(d.get("expr") or d["name"] for d in model["dimensions"] if d["name"] == time)
    expression = measure.get("expr") or measure["name"]
    counted = f"date_trunc('month', {column}) = ? and coalesce(cast({expression} as varchar), '0') <> '0'"
    total, rows = connection.execute(
        f"select {AGGREGATES[measure['agg']].format(expression)}, count(*) from {table} where {counted}",
        [cell["period"]],
    ).fetchone()
    shown = tuple(_rows(connection, table, counted, cell["period"]))
    return Counted(measure["name"], table, total or 0, rows, shown, amount)


def _rows(connection: duckdb.DuckDBPyConnection, table: str, counted: str, period: Any) -> Iterator[str]:
    """The first rows by their own key, with file and line where the table knows its raw row."""
    schema, name = table.split(".")
    columns = [
        column
        for (column,) in connection.execute(
            "select column_name from information_schema.columns where table_schema = ? and table_name = ? "
            "order by ordinal_position",
            [schema, name],
        ).fetchall()
    ]
    key = columns[0]
    person = "facts.person_id" if "person_id" in columns else "null"
    origin = "origins.source_file || ':' || origins.line_number" if "row_key" in columns else "null"
    join = "left join raw_intake.origins as origins using (row_key)" if "row_key" in columns else ""
    for row in connection.execute(
        f"select facts.{key}, {person}, {origin} from {table} as facts {join} where {counted} "
        f"order by facts.{key} limit {SHOWN_ROWS}",
        [period],
    ).fetchall():
        yield "  ".join(str(part) for part in row if part is not None)


def _side_lines(side: Counted) -> Iterator[str]:
    if side.rows is None:
        yield f"  {side.measure}: {side.amount:f} of {side.source}"
        return
    yield f"  {side.measure}: {side.amount} from {side.rows} rows of {side.source}"
    yield from (f"      {line}" for line in side.shown)
    if side.rows > len(side.shown):
        yield f"      and {side.rows - len(side.shown)} more"


def _agrees(side: Counted) -> bool:
    return side.rows is None or Decimal(side.amount) == Decimal(side.published or 0)


def _history(connection: duckdb.DuckDBPyConnection, cell: dict[str, Any]) -> Iterator[str]:
    rows = connection.execute(
        "select run_id, cast(as_of as varchar), definition_version, value "
        "from reporting.rpt_published_numbers where kpi_id = ? and period = ? "
        "and segment_kind = ? and segment_id = ? order by run_number",
        [cell["kpi_id"], cell["period"], cell["segment_kind"], cell["segment_id"]],
    ).fetchall()
    for run_id, as_of, version, value in rows:
        said = "nothing" if value is None else f"{value:.12g}"
        yield f"  published {said} by run {run_id}, as of {as_of}, definition {version}"


def _short(value: Any) -> float:
    return float(f"{value:.12g}")
