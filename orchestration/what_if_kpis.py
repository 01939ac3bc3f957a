"""What if, for KPIs: from two builds side by side to what changed rules make of the numbers people look at.

Points move no KPI; machine, identity and content rules do. Counts are sums of `fct_kpi_daily` over the last
MONTHS months, ratios are made of these sums, as `8_funnel/kpis/` defines them, and never of other ratios.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import yaml

from orchestration.home import PROJECT

MONTHS = 24
COUNTS = ("visitors", "form_passes", "leads_person", "leads_new", "opportunities", "orders")
RATIOS = ("action_rate_literal", "action_rate_person", "action_rate_new", "opportunity_rate_period")
DEFINED_IN = PROJECT / "models" / "8_funnel" / "kpis"
SUMS = """
select {sums}
from {database}.funnel.fct_kpi_daily
where kpi_on > (select max(as_of) from {database}.scoring.fct_lead_scores) - interval {months} month
"""


def kpis_moved(connection: duckdb.DuckDBPyConnection) -> tuple[dict[str, Any], ...]:
    """Each KPI of the attached warehouses `before` and `after`, as kpi, before, after.

    Counts are counts, ratios fractions (0 to 1), None where nothing can be divided.
    """
    before, after = (_kpis(connection, database) for database in ("before", "after"))
    return tuple({"kpi": kpi, "before": before[kpi], "after": after[kpi]} for kpi in before)


def _kpis(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, float | int | None]:
    sums = ", ".join(f"coalesce(sum({count}), 0)" for count in COUNTS)
    row = connection.execute(SUMS.format(sums=sums, database=database, months=MONTHS)).fetchone()
    counts = dict(zip(COUNTS, map(int, row), strict=True))
    ratios = {
        kpi: counts[above] / counts[below] if counts[below] else None
        for kpi, (above, below) in _defined().items()
    }
    return {**counts, **ratios}


def _defined() -> dict[str, tuple[str, str]]:
    """Ratio -> the counts above and below, from the one place that defines it."""
    files = (yaml.safe_load(file.read_text(encoding="utf-8")) for file in sorted(DEFINED_IN.glob("*.yml")))
    metrics = {metric["name"]: metric for file in files for metric in file.get("metrics") or []}
    sides = {kpi: metrics[kpi]["type_params"] for kpi in RATIOS}
    return {kpi: (side["numerator"]["name"], side["denominator"]["name"]) for kpi, side in sides.items()}


def as_lines(kpis: Sequence[Mapping[str, Any]]) -> list[str]:
    """The KPIs that would change, for a terminal."""
    return [f"  {row['kpi']}: {row['before']} -> {row['after']}{row['change']}" for row in as_rows(kpis)]


def as_rows(kpis: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The KPIs that would change, for a table of a pull request."""
    return [
        {
            "kpi": row["kpi"],
            "before": _told(row["kpi"], row["before"]),
            "after": _told(row["kpi"], row["after"]),
            "change": _change(row["before"], row["after"]),
        }
        for row in kpis
        if row["before"] != row["after"]
    ]


def _told(kpi: str, value: float | int | None) -> str:
    if value is None:
        return "nothing to divide"
    return f"{value:.2%}" if kpi in RATIOS else f"{value:,}"


def _change(before: float | int | None, after: float | int | None) -> str:
    return f" ({after / before - 1:+.1%})" if before and after is not None else ""
