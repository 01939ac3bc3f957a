"""The ledger of published numbers: what was public is kept, and a later difference is split by its causes.

The ledger is held on publications of a few cells. That the builds of a split are right takes whole runs
(IKUSEI_LONG_TESTS=1): former rules, an erased form, an undone merge, a late form and later days, all at once.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from orchestrated import AS_OF, first_run, invented

from orchestration import published_numbers, restatements
from orchestration.explain_kpi import explain_kpi, restatement_lines
from orchestration.home import PROJECT, Home, Settings
from orchestration.links import decide
from orchestration.run import run
from orchestration.state import Built
from orchestration.trouble import Trouble

LONG = pytest.mark.skipif(os.environ.get("IKUSEI_LONG_TESTS") != "1", reason="takes whole runs")


def publication(folder: Path, run_id: str, cells: dict[str, int], version: str = "v1") -> tuple[Path, Path]:
    """A serving file and a warehouse with just what the ledger reads: months of one KPI."""
    serving, warehouse = folder / f"serving-{run_id}.duckdb", folder / "warehouse.duckdb"
    with duckdb.connect(str(serving)) as con:
        con.execute(
            "create schema funnel; create schema reporting;"
            "create table funnel.kpi_catalogue (kpi_id text, grain text, definition_version text);"
            "create table funnel.fct_kpis (kpi_id text, period date, segment_kind text, segment_id text,"
            " numerator decimal(28, 9), denominator decimal(28, 9), value double);"
            "create table reporting.rpt_run (published_at timestamp);"
            "insert into reporting.rpt_run values ('2026-11-01 09:00:00')"
        )
        con.execute("insert into funnel.kpi_catalogue values ('leads_new', 'month', ?)", [version])
        for month, value in cells.items():
            con.execute(
                "insert into funnel.fct_kpis values ('leads_new', ?, 'all', 'all', ?, null, ?)",
                [month, value, value],
            )
    if not warehouse.exists():
        with duckdb.connect(str(warehouse)) as con:
            con.execute("create schema raw_links; create table raw_links.decisions (loaded_at timestamp)")
    return serving, warehouse


def built(run_id: str) -> Built:
    return Built(run_id, "2026-10-31", "9999-12-31 00:00:00", "Asia/Tokyo", "rules", "2026-11-01 08:00:00")


def kept(ledger: Path) -> list[tuple]:
    with duckdb.connect(str(ledger), read_only=True) as con:
        return con.execute(
            "select run_number, cast(period as varchar), value, is_there from cells order by all"
        ).fetchall()


def test_a_number_is_kept_again_only_when_it_differs(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.duckdb"
    months = {"2026-09-01": 5, "2026-10-01": 7}
    assert published_numbers.record(ledger, *publication(tmp_path, "a", months), built("a")) == 2
    assert published_numbers.record(ledger, *publication(tmp_path, "b", months), built("b")) == 0
    changed = months | {"2026-09-01": 6}
    assert published_numbers.record(ledger, *publication(tmp_path, "c", changed), built("c")) == 1
    first = [(1, "2026-09-01", 5, True), (1, "2026-10-01", 7, True)]
    assert kept(ledger) == [*first, (3, "2026-09-01", 6, True)]


def test_recording_a_run_twice_changes_nothing(tmp_path: Path) -> None:
    ledger, files = tmp_path / "ledger.duckdb", publication(tmp_path, "a", {"2026-09-01": 5})
    published_numbers.record(ledger, *files, built("a"))
    before = kept(ledger)
    assert published_numbers.record(ledger, *files, built("a")) == 0
    assert kept(ledger) == before


def test_a_month_that_is_gone_and_a_new_definition_are_told(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.duckdb"
    published_numbers.record(ledger, *publication(tmp_path, "a", {"2026-09-01": 5}), built("a"))
    published_numbers.record(ledger, *publication(tmp_path, "b", {}), built("b"))
    published_numbers.record(ledger, *publication(tmp_path, "c", {"2026-09-01": 5}, "v2"), built("c"))
    assert kept(ledger) == [
        (1, "2026-09-01", 5, True),
        (2, "2026-09-01", None, False),
        (3, "2026-09-01", 5, True),
    ]


def test_the_rules_are_kept_once_and_without_what_dbt_writes(tmp_path: Path) -> None:
    project, home = tmp_path / "dbt_project", Home(tmp_path / "home")
    for name in ("models/a.sql", "target/manifest.json"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("select 1")
    archive = published_numbers.keep_rules(home, "d1", project)
    written = archive.stat().st_mtime_ns
    assert published_numbers.keep_rules(home, "d1", project).stat().st_mtime_ns == written
    with tarfile.open(archive) as found:
        names = found.getnames()
    assert "dbt_project/models/a.sql" in names and not any("target" in name for name in names)


VALUES = st.dictionaries(st.sampled_from("abcd"), st.floats(-1e6, 1e6, allow_nan=False), max_size=4)


@settings(max_examples=60, deadline=None)
@given(st.lists(VALUES, min_size=6, max_size=6))
def test_the_parts_of_any_difference_add_up_to_the_last_digit(states: list[dict[str, float]]) -> None:
    cells = [
        restatements._values([(kpi, "2026-09-01", "all", "all", value) for kpi, value in state.items()])
        for state in states
    ]
    found = list(restatements._compared(cells))
    assert all(one.adds_up for one in found)
    assert {one.cell for one in found} == {
        cell for cell in cells[0].keys() | cells[-1].keys() if cells[0].get(cell, 0) != cells[-1].get(cell, 0)
    }


def test_an_explained_kpi_is_counted_again_from_its_rows() -> None:
    home, _ = first_run()
    explained = explain_kpi(home, "action_rate_new", month="2026-10")
    told = "\n".join(explained.lines)
    assert explained.adds_up
    assert "アクション率(新規)" in told and ".jsonl:" in told and "published" in told


def test_a_kpi_without_data_says_which_and_an_unknown_one_names_the_nearest() -> None:
    home, _ = first_run()
    assert "Personas" in explain_kpi(home, "off_persona_share").lines[-1]
    with pytest.raises(Trouble, match="did you mean action_rate_new"):
        explain_kpi(home, "action_rate_knew")


LATE = {
    "submission_id": "late",
    "submitted_at": "2026-10-05T10:00:00+09:00",
    "form_kind": "inquiry",
    "email": "late@late-company.example.jp",
    "visitor_id": "v-late",
    "form_id": "inquiry",
}
WEDGE = {
    "submission_id": "wedge",
    "submitted_at": "2026-10-06T10:00:00+09:00",
    "form_kind": "inquiry",
    "email": "wedge@wedge-company.example.jp",
    "name": "楔 一郎",
    "company": "楔商事",
    "phone": "03-5550-1234",
    "form_id": "inquiry",
}
AGAIN = WEDGE | {
    "submission_id": "wedge2",
    "submitted_at": "2026-10-07T10:00:00+09:00",
    "email": "ichiro.wedge@gmail.com",
}
GONE = LATE | {"submission_id": "gone", "email": "gone@gone-company.example.jp", "visitor_id": "v-gone"}


def send(landing: Path, *forms: dict[str, str]) -> None:
    for form in forms:
        (landing / f"forms/site/{form['submission_id']}.jsonl").write_text(json.dumps(form) + "\n")


def run_under_former_rules(tmp_path: Path, landing: Path, home: Home) -> None:
    """The first run, by a copy of the product for which an inquiry made no lead."""
    former = tmp_path / "former"
    for package in ("ingestion", "orchestration", "dashboards", "dbt_project"):
        shutil.copytree(
            PROJECT.parent / package,
            former / package,
            ignore=shutil.ignore_patterns("target", "logs", "__pycache__"),
        )
    types = former / "dbt_project/models/3_behaviour/touch_types.csv"
    changed = types.read_text(encoding="utf-8").replace(
        "inquiry,問い合わせ,inquiry,online,true,true", "inquiry,問い合わせ,inquiry,online,true,false"
    )
    assert changed != types.read_text(encoding="utf-8")
    types.write_text(changed, encoding="utf-8")
    words = ["run", "--landing", str(landing), "--as-of", "2026-10-28"]
    subprocess.run(
        [sys.executable, "-m", "orchestration.cli", *words],
        cwd=former,
        env=os.environ | {"PYTHONPATH": str(former), "IKUSEI_HOME": str(home.root)},
        check=True,
        capture_output=True,
    )


def take_out(home: Home, submission: str) -> None:
    """Erase a form's rows from the raw table, and note it as ingestion does."""
    with duckdb.connect(str(home.warehouse)) as con:
        taken = con.execute("delete from raw_forms.submissions where submission_id = ?", [submission])
        assert taken.fetchone() == (1,)
        con.execute(
            "insert into raw_intake.taken_back values ('forms', 'asked to be forgotten', 1, 'erased', "
            "timezone('UTC', now())::timestamp)"
        )


def reject_the_wedge(home: Home) -> None:
    """The second address of one phone and name is another person's after all."""
    with duckdb.connect(str(home.warehouse), read_only=True) as con:
        links = con.execute(
            "select link_id from identity.identity_links "
            "where (left_identifier || right_identifier) like '%ichiro.wedge%' "
            "and rule_id <> 'matched_people'"
        ).fetchall()
    assert links
    for (link_id,) in links:
        decide(home, link_id, "reject", "they share a phone", by="tester")


@pytest.fixture(scope="module")
def restated(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that published once, and since then met every cause for which a number may change.

    Its rules changed, a form was erased, a merge was undone, a form of an earlier day came late, and three
    more days went by.
    """
    tmp_path = tmp_path_factory.mktemp("restated")
    home = Home(tmp_path / "home")
    landing = home.landing
    shutil.copytree(invented(), landing)
    send(landing, WEDGE, AGAIN, GONE)
    run_under_former_rules(tmp_path, landing, home)
    take_out(home, "gone")
    (landing / "forms/site/gone.jsonl").unlink()
    reject_the_wedge(home)
    send(landing, LATE)
    run(home, Settings(), landing=landing, as_of=AS_OF, say=lambda line: None)
    return home


@LONG
def test_each_cause_gets_what_it_changed_and_all_of_it_adds_up(restated: Home) -> None:
    built: list[str] = []
    found = restatements.split(restated, say=built.append)
    assert len(built) == 4  # after the last cause stands what is public
    assert found and all(one.adds_up for one in found)
    parts = {one.cell[0]: one.parts for one in found if one.cell[1:] == ("2026-10-01", "all", "all")}
    none = dict.fromkeys(restatements.CAUSES, Decimal(0))
    passes = parts["form_passes"]
    assert (passes["erasure"], passes["rules"], passes["late_data"]) == (-1, 0, 1)
    assert parts["leads_new"]["rules"] > 0 == parts["leads_new"]["erasure"]
    assert parts["leads_new"]["identity"] == parts["leads_person"]["identity"] == 1
    assert parts["leads_new"]["late_data"] == 1
    assert parts["visitors"] == none | {"time": parts["visitors"]["time"]}
    assert parts["visitors"]["time"] > 0
    assert restatement_lines(found, "leads_new", "2026-10")[0].startswith("2026-10: ")


@LONG
def test_the_second_publication_says_how_long_deeds_took_to_show(restated: Home) -> None:
    with duckdb.connect(str(restated.published.resolve()), read_only=True) as con:
        lags = con.execute("select lag_kind, events, p50_minutes from reporting.rpt_event_lags").fetchall()
        cells = con.execute("select count(*) from reporting.rpt_kpis where kpi_id = 'event_to_score_lag'")
        assert cells.fetchone() == (2,)
    assert {kind for kind, *_ in lags} >= {"event_to_score"} and all(events > 0 for _, events, _ in lags)
