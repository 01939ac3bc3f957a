"""The whole way: once, again, for an earlier day, with a broken file, and while readers look on."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from orchestrated import AS_OF, first_run, invented, marts

from dashboards.masks import MASKED, write_views
from dashboards.publication import SERVING, cursor_of, open_read_only
from orchestration import activate, checks, transform
from orchestration import publish as publication
from orchestration.as_of import build_as_of
from orchestration.explain import explain_score
from orchestration.home import Home, Settings
from orchestration.publish import published_files
from orchestration.run import Clocks, run
from orchestration.state import read
from orchestration.trouble import Trouble


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A copy of the built home, to do harm to."""
    shutil.copytree(first_run()[0].root, tmp_path / "home", symlinks=True)
    return Home(tmp_path / "home")


def again(home: Home, **options: object) -> tuple[object, list[str]]:
    lines: list[str] = []
    return run(home, Settings(), landing=invented(), as_of=AS_OF, say=lines.append, **options), lines


def test_the_first_run_publishes_what_it_loaded() -> None:
    home, report = first_run()
    assert report.rows_loaded > 5_000
    assert report.troubles == []
    with duckdb.connect(str(home.published), read_only=True) as published:
        run_id, as_of = published.execute(
            "select run_id, cast(as_of as varchar) from reporting.rpt_run"
        ).fetchone()
        loaded = published.execute("select sum(rows_loaded) from reporting.rpt_health").fetchone()[0]
    assert (run_id, as_of, loaded) == (report.built.run_id, AS_OF, report.rows_loaded)


def test_every_stage_and_the_sync_plan_has_its_line(home: Home) -> None:
    _, lines = again(home)
    assert [line.split()[0] for line in lines if not line.startswith(" ")][:2] == ["ingest", "contracts"]
    assert any(line.startswith("sync plan") for line in lines)


def test_a_second_run_adds_nothing_builds_nothing_and_sends_nothing_twice(home: Home) -> None:
    sent = activate.apply(home, only="files_routed_leads")
    report, lines = again(home)
    assert (report.rows_loaded, report.was_built, report.published) == (0, False, None)
    assert any(line.startswith("nothing new") for line in lines)
    assert sent[0].acked > 0
    assert {plan.sync: plan.sends for plan in report.plan}["files_routed_leads"] == 0


def test_as_of_builds_the_same_marts_from_nothing_and_leaves_the_warehouse_alone() -> None:
    home, _ = first_run()
    before = marts(home.warehouse, home)
    side = build_as_of(home, Clocks.read(Settings(), AS_OF), say=lambda line: None)
    assert marts(side, home) == before
    assert marts(home.warehouse, home) == before
    shutil.rmtree(home.as_of)


def test_a_file_that_breaks_a_contract_stays_out_and_the_other_sources_go_on(
    home: Home, tmp_path: Path
) -> None:
    """A log with a status that does not exist lands together with the costs of a new campaign."""
    landing, public = tmp_path / "landing", home.published.resolve()
    shutil.copytree(invented(), landing)
    request = '10.1.2.3 - - [20/Oct/2026:10:00:00 +0900] "GET / HTTP/1.1" {} 12 "-" "Mozilla/5.0" "{}"\n'
    (landing / "web/www/new.log").write_text(request.format(200, "v-good") + request.format(999, "v-bad"))
    (landing / "costs/new.csv").write_text("campaign_id,cost_on,amount_jpy\nradio,2026-10-01,500\n")

    def go() -> tuple[object, list[str]]:
        lines: list[str] = []
        return run(home, Settings(), landing=landing, as_of=AS_OF, say=lines.append), lines

    report, lines = go()
    assert report.was_built and home.published.resolve() != public
    [told] = report.held
    assert told.startswith("web/www/new.log: 2 rows stay out of raw_web.requests")
    assert any(line.startswith("held back: web/www/new.log") for line in lines)
    with duckdb.connect(str(home.published), read_only=True) as published:
        count = "select count(*) from behaviour.fct_touches where visitor_id like 'v-%'"
        assert published.execute(count).fetchone() == (0,)
        radio = "select cost_jpy from funnel.fct_roi where campaign_id = 'radio'"
        assert published.execute(radio).fetchone() == (500,)
        health = "select path, rows_held from reporting.rpt_held"
        assert published.execute(health).fetchall() == [("web/www/new.log", 2)]
    report, _ = go()  # it is told as long as it is held, and nothing else happens
    assert (report.was_built, report.published, len(report.held)) == (False, None, 1)
    [hold] = checks.held_now(home.warehouse)
    checks.decide(home.warehouse, hold.batch.hold_id, "discard", "sato", "a test of the server")
    report, _ = go()  # the pages follow, on the marts that stand
    assert (report.was_built, report.held) == (False, [])
    with duckdb.connect(str(report.published), read_only=True) as published:
        assert published.execute(health).fetchall() == []


def test_a_page_that_fails_keeps_the_last_publication_up(home: Home) -> None:
    public, built = home.published.resolve(), read(home.run_state).built
    manifest = transform.manifest(home.warehouse, home.dbt_target)
    without = {key: node for key, node in manifest["nodes"].items() if node["name"] != "rpt_leads"}
    with pytest.raises(Trouble, match=r"pages/\w+\.md, block .*rpt_leads.*the last publication stays up"):
        publication.publish(home, built, {"nodes": without})
    assert home.published.resolve() == public
    assert published_files(home.serving) == [public]


def test_three_publications_are_kept_and_readers_never_fail(home: Home) -> None:
    reads, troubles, is_over = [], [], threading.Event()

    def look() -> None:
        while not is_over.is_set():
            try:
                with duckdb.connect(str(home.published.resolve()), read_only=True) as published:
                    reads.append(published.execute("select run_id from reporting.rpt_run").fetchall())
            except Exception as error:  # the test is about there being none
                troubles.append(error)

    reader = threading.Thread(target=look)
    reader.start()
    for _ in range(4):
        publication.publish_sync_state(home, "Asia/Tokyo")
    is_over.set()
    reader.join()
    assert troubles == []
    assert len(reads) > 10
    assert all(len(rows) == 1 for rows in reads)
    assert len(published_files(home.serving)) == 3
    assert home.published.resolve() == published_files(home.serving)[-1]
    assert (home.serving / "semantic_manifest.json").resolve() == publication.metrics_of(
        home.published.resolve()
    )


def test_points_explain_the_score_of_each_person_exactly() -> None:
    home, _ = first_run()
    with duckdb.connect(str(home.published), read_only=True) as published:
        people = published.execute(
            "select person_id from scoring.fct_lead_scores order by total_score desc, person_id limit 5"
        ).fetchall()
    for (person_id,) in people:
        explained = explain_score(home, person_id, zone="Asia/Tokyo")
        assert explained.total_score > Decimal(0)
        assert explained.adds_up
        deeds = [point for point in explained.points if point.score_kind == "behaviour"]
        assert all(point.origin.rpartition(":")[2].isdigit() for point in deeds)


def test_an_unfinished_build_or_an_earlier_day_is_built_from_nothing(home: Home) -> None:
    from orchestration.run import is_due, needs_full_refresh

    today, settings = Clocks.read(Settings(), AS_OF), Settings()
    assert not is_due(home, today)
    assert is_due(home, Clocks.read(settings, "2026-11-01"))
    assert not needs_full_refresh(home, Clocks.read(settings, "2026-11-01"))
    assert needs_full_refresh(home, Clocks.read(settings, "2026-10-30"))
    assert needs_full_refresh(home, Clocks.read(settings, AS_OF, "2026-10-30"))
    with duckdb.connect(str(home.warehouse)) as warehouse:  # a file was read anew under other settings
        warehouse.execute(
            "insert into raw_intake.taken_back by name "
            "select 'lists/a.csv' as path, now()::timestamp as taken_back_at"
        )
    assert is_due(home, today) and needs_full_refresh(home, today)
    with duckdb.connect(str(home.warehouse)) as warehouse:
        warehouse.execute("delete from raw_intake.taken_back")
    assert not is_due(home, today)
    home.unfinished_build.write_text("killed")
    assert is_due(home, today)
    assert needs_full_refresh(home, today)


def test_every_dbt_unit_test_passes() -> None:
    home, _ = first_run()
    report = transform.unit_test(home.warehouse, home.dbt_target)
    assert report.count("unit_test") == len(report.results) > 10
    assert report.warnings == []


def test_a_whole_company_taken_the_whole_way_leaves_no_person_in_the_masked_tables() -> None:
    home, _ = first_run()
    connection = open_read_only(home.published.resolve())
    write_views(connection, SERVING)
    cursor = cursor_of(connection)
    told = "select distinct attribute_value from identity.person_attributes where attribute"
    names = {name for (name,) in cursor.execute(f"{told} in ('person_name', 'person_kana')").fetchall()}
    traces = {trace for (trace,) in cursor.execute(f"{told} in ('email', 'phone')").fetchall()}
    persons = re.compile("|".join(map(re.escape, sorted(traces | {n for n in names if len(n) > 2}))))
    leaks = [
        (schema, table, column)
        for schema, table, column, text in _texts(cursor)
        if persons.search(text) and not table.endswith(("_rules", "_exclusions", "sales_units"))
    ]
    assert len(persons.pattern) > 500 and not leaks


def _texts(cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, str, str, str]]:
    """Every text column of the masked views, and all its values as one text."""
    columns = cursor.execute(
        "select table_schema, table_name, column_name from information_schema.columns "
        "where table_catalog = ? and data_type = 'VARCHAR'",
        [MASKED],
    ).fetchall()
    for schema, table, column in columns:
        sql = f'select string_agg(distinct "{column}", chr(10)) from {MASKED}."{schema}"."{table}"'
        yield schema, table, column, cursor.execute(sql).fetchone()[0] or ""
