"""The KPIs of kpis/, computed by MetricFlow from their definitions, equal those the marts publish.

Every KPI by month or cohort is asked for whose measures stand on facts (visits, forms, deals, orders, sends,
cohorts); what stands on the long table of amounts is only divided here, so it would judge itself.

The judge is `mf query` on a copy of the warehouse (it opens it for writing) and of the project (it writes
beside it).
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
import yaml
from article_rows import DOCUMENT, TOKYO, Month, built
from orchestrated import first_run

from orchestration.home import PROJECT

AS_OF = "2026-12-31"
MONTHS = [
    Month(datetime(2026, 3, 1, tzinfo=TOKYO), 300, 12, 3, (2.0,)),
    Month(datetime(2026, 4, 1, tzinfo=TOKYO), 500, 20, 5, (2.5, 3.5)),
]
CATALOGUE = PROJECT / "models" / "8_funnel" / "kpis"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two months; a second form pass, a job-seeker, a tester, a robot and two orders among them."""
    folder = tmp_path_factory.mktemp("parity")
    write_exceptions(folder / "landing")
    return built(folder, MONTHS, as_of=AS_OF)


def test_every_metric_of_every_month_equals_the_published_kpi(tmp_path: Path) -> None:
    metrics, warehouse = metrics_defined(), first_run()[0].warehouse
    judged = asked_of_metricflow(warehouse, tmp_path, metrics)
    published = kpis_published(warehouse, metrics)
    assert len(metrics) > 30 and len(published) >= 2
    assert judged == {month: pytest.approx(row, rel=1e-12) for month, row in published.items()}


def test_the_three_action_rates_differ_by_what_they_leave_out(warehouse: Path) -> None:
    """K01 and K02. In March 12 leads passed a form, one of them twice, and so did a job-seeker."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        found = con.sql("select * from reporting.rpt_kpis_monthly where month = '2026-03-01'")
        march = dict(zip(found.columns, found.fetchone() or (), strict=True))
    assert march["visitors"] == 300
    assert march["form_passes"] == 14
    assert march["leads_person"] == march["leads_new"] == 12


def write_exceptions(landing: Path) -> None:
    forms, web, crm = landing / "forms/site", landing / "web/www", landing / "crm/sales"
    for folder in (forms, web, crm):
        folder.mkdir(parents=True)
    again = {"submission_id": "x1", "email": "lead0@kaisha0.example", "visitor_id": "c2026-0"}
    seeker = {"submission_id": "x2", "email": "seeker@school.example", "form_kind": "recruit"}
    tester = {"submission_id": "x3", "email": "test@minori-systems.example.jp"}
    at = {"submitted_at": "2026-03-20T10:00:00+09:00"}
    rows = [json.dumps(DOCUMENT | at | row) for row in (again, seeker, tester)]
    (forms / "exceptions.jsonl").write_text("\n".join(rows) + "\n")
    asked = '[20/Mar/2026:10:00:00 +0900] "GET /price/ HTTP/1.1" 200 1 "-"'
    (web / "robot.log").write_text(f'10.9.9.9 - - {asked} "Googlebot/2.1"\n')
    (crm / "orders.csv").write_text(
        "order_id,lead_id,amount_jpy,gross_margin_jpy,ordered_at,updated_at\n"
        "R1,L0,1200000,400000,2026-04-20T10:00:00+09:00,2026-04-20T10:00:00+09:00\n"
        "R2,L1,300000,90000,2026-05-02T10:00:00+09:00,2026-05-02T10:00:00+09:00\n"
    )


def metrics_defined() -> list[str]:
    """KPIs by month or cohort of which every part is measured on facts."""
    files = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(CATALOGUE.glob("*.yml"))]
    catalogue = {
        part: [one for file in files for one in file.get(part, [])] for part in ("semantic_models", "metrics")
    }
    models = {m["name"]: [one["name"] for one in m["measures"]] for m in catalogue["semantic_models"]}
    on_facts = {measure for name, found in models.items() if name != "kpi_amounts" for measure in found}
    measure_of = {
        m["name"]: m["type_params"]["measure"]["name"] for m in catalogue["metrics"] if m["type"] == "simple"
    }

    def parts(metric: dict) -> list[str]:
        of_ratio = [
            metric["type_params"][part]["name"]
            for part in ("numerator", "denominator")
            if part in metric["type_params"]
        ]
        return [measure_of[name] for name in of_ratio or [metric["name"]]]

    return [
        metric["name"]
        for metric in catalogue["metrics"]
        if metric.get("config", {}).get("meta", {}).get("grain") in ("month", "cohort")
        and on_facts.issuperset(parts(metric))
    ]


def asked_of_metricflow(warehouse: Path, scratch: Path, metrics: list[str]) -> dict[str, dict[str, float]]:
    """Each metric of each month as MetricFlow has it."""
    project, answer = scratch / "project", scratch / "answer.csv"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    shutil.copy(warehouse, scratch / "warehouse.duckdb")
    environment = os.environ | {
        "IKUSEI_WAREHOUSE": str(scratch / "warehouse.duckdb"),
        "DBT_PROFILES_DIR": str(project),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    beside = Path(sys.executable).parent
    query = ["--metrics", ",".join(metrics), "--group-by", "metric_time__month", "--csv", str(answer)]
    for words in ([beside / "dbt", "parse", "--quiet"], [beside / "mf", "query", *query]):
        said = subprocess.run(
            words, cwd=project, env=environment, capture_output=True, text=True, timeout=120
        )
        assert said.returncode == 0, said.stdout + said.stderr
    with answer.open() as file:
        found = {row["metric_time__month"][:10]: _numbers(row, metrics) for row in csv.DictReader(file)}
    return {month: row for month, row in found.items() if row}


def kpis_published(warehouse: Path, metrics: list[str]) -> dict[str, dict[str, float]]:
    """The same from fct_kpis."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        cells = con.execute(
            "select cast(period as varchar), kpi_id, value from funnel.fct_kpis where segment_kind = 'all'"
        ).fetchall()
    months: dict[str, dict[str, object]] = {}
    for month, kpi, value in cells:
        if kpi in metrics:
            months.setdefault(month, {})[kpi] = value
    found = {month: _numbers(row, metrics) for month, row in months.items()}
    return {month: row for month, row in found.items() if row}


def _numbers(row: dict[str, object], metrics: list[str]) -> dict[str, float]:
    """The numbers that say something: MetricFlow leaves out a count of zero, the marts write it."""
    found = {metric: float(str(row[metric])) for metric in metrics if row.get(metric) not in (None, "")}
    return {metric: number for metric, number in found.items() if number != 0}
