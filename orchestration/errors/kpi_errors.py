"""KPIs against the truth: each KPI of the catalogue as the marts have it, beside what truly happened.

    funnel.fct_kpis  ->  \\
                          one row a KPI: measured, true, how far apart    (kpi_errors.sql)
    true_kpis.sql    ->  /

A rate is judged on the sums of its parts over all periods, and its errors period by period. What the world
cannot know (a forecast, a figure that the company's own rules make) says so instead: `kpi_notes.csv`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import duckdb

from orchestration.errors.figures import judged

SQL = Path(__file__).parent
TABLE = "rpt_errors_of_kpis"


@dataclass(frozen=True)
class KpiError:
    """One KPI: its value over all periods, the true one, and the relative errors of its periods.

    `truth`, `error_mean` and `error_worst` are None where the world knows no truth; then the notes say why.
    """

    kpi_id: str
    name_ja: str
    name_en: str
    unit: str
    periods: int
    measured: float | None
    truth: float | None
    error_mean: float | None
    error_worst: float | None
    note_ja: str | None
    note_en: str | None


def judge_kpis(warehouse: Path, truth: Path, *, as_of: str, zone: str = "Asia/Tokyo") -> list[KpiError]:
    """Compare every KPI with the truth, the worst first, those without a truth last.

    Args:
        warehouse: a built DuckDB file; read only.
        truth: folder of the truth's Parquet files.
        as_of: the day 'YYYY-MM-DD' that the marts stand for, in `zone`.

    Raises:
        Trouble: the folder holds no truth.
        duckdb.Error: the warehouse is not built, or held by a writer.
    """
    with judged(warehouse, truth, as_of=as_of, zone=zone) as connection:
        connection.execute(f"create temp table true_kpis as {_sql('true_kpis.sql')}")
        connection.execute(
            "create temp table kpi_notes as select * from read_csv(?, header = true, all_varchar = true)",
            [str(SQL / "kpi_notes.csv")],
        )
        return [KpiError(*row) for row in connection.execute(_sql("kpi_errors.sql")).fetchall()]


def write_kpi_errors(connection: duckdb.DuckDBPyConnection, found: Sequence[KpiError]) -> None:
    """Replace the rows of reporting.rpt_errors_of_kpis in a file that is about to be public."""
    connection.execute(f"delete from reporting.{TABLE}")
    if found:
        places = ", ".join("?" * len(fields(KpiError)))
        connection.executemany(
            f"insert into reporting.{TABLE} values ({places})", [list(astuple(one)) for one in found]
        )


def kpi_section(found: Iterable[KpiError]) -> list[str]:
    """The KPIs of errors.md: a table of those with a truth, and the names of the others with the reason."""
    rows = list(found)
    with_truth = [one for one in rows if one.truth is not None]
    head = "| KPI | measured | true | mean error | worst error | periods |\n|---|---:|---:|---:|---:|---:|"
    table = "\n".join(
        [head, *(
            f"| `{one.kpi_id}` {one.name_en} | {one.measured:.6g} | {one.truth:.6g} | {one.error_mean:.4g} | "
            f"{one.error_worst:.4g} | {one.periods} |"
            for one in with_truth
        )]
    )  # fmt: skip
    reasons: dict[str, list[str]] = {}
    for one in rows:
        if one.truth is None:
            reasons.setdefault(one.note_en or "", []).append(f"`{one.kpi_id}`")
    others = "\n".join(f"* {reason}: {', '.join(names)}." for reason, names in sorted(reasons.items()))
    return ["## Each KPI against its true value", table, "## KPIs that have no true value here", others]


def _sql(name: str) -> str:
    return (SQL / name).read_text(encoding="utf-8")
