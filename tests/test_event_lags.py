"""How long a deed takes to show: from one publication to the next, and held against slo.yml (SC18)."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from orchestration import event_lags
from orchestration.published_numbers import TABLES
from orchestration.state import Built
from orchestration.trouble import Trouble

PUBLISHED = "2026-11-02 00:00:00"


def built(run_id: str) -> Built:
    return Built(run_id, "2026-11-01", "9999-12-31 00:00:00", "Asia/Tokyo", "rules", None)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path, Path]:
    """A ledger of two runs, and serving, warehouse and former file with what the second had new.

    Old: one touch of a year ago. New: touches of 10, 20 and 1,000 minutes ago, of which one gives no points;
    one route that the former file had, one of an hour ago.
    """
    ledger, serving, warehouse, former = (tmp_path / f"{name}.duckdb" for name in ("l", "s", "w", "f"))
    with duckdb.connect(str(ledger)) as con:
        con.execute(TABLES)
        con.execute(
            "insert into runs (run_number, run_id, loaded_through) values (1, 'a', '2026-11-01 00:00:00'), "
            "(2, 'b', '2026-11-02 00:00:00')"
        )
    with duckdb.connect(str(warehouse)) as con:
        con.execute(
            "create schema raw_web; create table raw_web.requests as from (values "
            "('old', timestamp '2026-11-01'), ('r1', timestamp '2026-11-01 20:00:00'), "
            "('r2', timestamp '2026-11-01 20:00:00'), ('r3', timestamp '2026-11-01 20:00:00')) "
            "as rows (row_key, loaded_at)"
        )
    with duckdb.connect(str(former)) as con:
        con.execute("create schema routing; create table routing.fct_lead_routes as select 'x' as route_id")
    with duckdb.connect(str(serving)) as con:
        con.execute(
            "create schema behaviour; create schema scoring; create schema routing; create schema reporting"
        )
        con.execute(
            f"create table reporting.rpt_run as select timestamp '{PUBLISHED}' as published_at;"
            "create table behaviour.fct_touches as select row_key as touch_id, row_key, "
            f"timestamp '{PUBLISHED}' - to_minutes(ago) as occurred_at from (values ('old', 500000), "
            "('r1', 10), "
            "('r2', 20), ('r3', 1000)) as rows (row_key, ago);"
            "create table scoring.fct_score_points as "
            "from (values ('old'), ('r1'), ('r3')) as rows (touch_id);"
            "create table routing.fct_lead_routes as from (values ('x', timestamp '2026-10-01'), "
            "('y', timestamp '2026-11-01 23:00:00')) as rows (route_id, routed_at);"
            "create table reporting.rpt_kpi_catalogue as select *, 'lag' as name_ja, 'lag' as name_en, "
            "'manage' as family, 'minutes' as unit, 'month' as grain, 'none yet' as missing_data, "
            "'まだ' as missing_data_ja, cast(0 as bigint) as cells from (values ('event_to_score_lag'), "
            "('event_to_route_lag'), ('roi')) as rows (kpi_id);"
            "create table reporting.rpt_kpis (kpi_cell_id text, kpi_id text, name_ja text, name_en text, "
            "family text, unit text, grain text, period date, segment_kind text, segment_id text, "
            "numerator double, denominator double, value double, is_mature boolean)"
        )
    return ledger, serving, warehouse, former


def shown(serving: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(serving), read_only=True) as con:
        return con.execute(query).fetchall()


def test_only_what_is_new_since_the_last_publication_is_timed(files: tuple[Path, ...]) -> None:
    ledger, serving, warehouse, former = files
    assert event_lags.record(ledger, serving, warehouse, former, built("b")) == 3
    event_lags.show(ledger, serving, "Asia/Tokyo")
    assert shown(
        serving,
        "select lag_kind, events, p50_minutes, p95_minutes, is_within_target from reporting.rpt_event_lags "
        "order by lag_kind desc",
    ) == [("event_to_score", 2, 10, 1000, True), ("event_to_route", 1, 60, 60, True)]


def test_the_lags_are_cells_of_the_two_kpis_which_miss_nothing_then(files: tuple[Path, ...]) -> None:
    ledger, serving, warehouse, former = files
    event_lags.record(ledger, serving, warehouse, former, built("b"))
    event_lags.show(ledger, serving, "Asia/Tokyo")
    cells = shown(
        serving,
        "select kpi_id, cast(period as varchar), segment_id, value from reporting.rpt_kpis "
        "where kpi_id = 'event_to_score_lag' order by segment_id",
    )
    assert cells == [
        ("event_to_score_lag", "2026-11-01", "95", 1000),
        ("event_to_score_lag", "2026-11-01", "all", 10),
    ]
    missing = shown(serving, "select kpi_id, missing_data, cells from reporting.rpt_kpi_catalogue order by 1")
    assert missing == [
        ("event_to_route_lag", None, 2),
        ("event_to_score_lag", None, 2),
        ("roi", "none yet", 0),
    ]


def test_a_first_publication_has_backlog_and_no_lag(files: tuple[Path, ...]) -> None:
    ledger, serving, warehouse, former = files
    assert event_lags.record(ledger, serving, warehouse, None, built("b")) == 0
    assert event_lags.record(ledger, serving, warehouse, former, built("a")) == 0
    event_lags.show(ledger, serving, "Asia/Tokyo")
    assert shown(serving, "select * from reporting.rpt_event_lags") == []
    assert shown(serving, "select missing_data from reporting.rpt_kpi_catalogue") == [("none yet",)] * 3


def test_a_run_is_timed_once(files: tuple[Path, ...]) -> None:
    ledger, serving, warehouse, former = files
    event_lags.record(ledger, serving, warehouse, former, built("b"))
    assert event_lags.record(ledger, serving, warehouse, former, built("b")) == 0
    with duckdb.connect(str(ledger), read_only=True) as con:
        assert con.execute("select count(*) from event_lags").fetchone() == (2,)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("targets: {event_to_score: {p95_minutes: 5}}", "must name the targets"),
        ("targets: {event_to_score: {p95_minutes: 5}, event_to_route: {p95_minutes: soon}}", "above 0"),
        ("targets: {event_to_score: {p95_minutes: 0}, event_to_route: {p95_minutes: 5}}", "above 0"),
    ],
)
def test_a_wrong_target_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "slo.yml"
    file.write_text(text)
    with pytest.raises(Trouble, match=sentence):
        event_lags.targets(file)
    assert set(event_lags.targets()) == set(event_lags.KINDS)
