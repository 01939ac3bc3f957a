"""The way back from a real Tryton: every stage, not the last one, keyed by our id, without our own writes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from activation_crm import SYNC, tryton_or_skip
from activation_warehouse import Company, FastClock, lead
from fault_proxy import proxy_before

from ingestion import ingest
from ingestion.tryton import pull
from ingestion.tryton_rpc import Tryton, TrytonError
from orchestration.activation.local_tryton import REP, LocalTryton


@pytest.fixture(scope="module")
def crm() -> Iterator[LocalTryton]:
    with tryton_or_skip() as running:
        yield running


def loaded(landing: Path, warehouse: Path, statement: str) -> list[tuple]:
    """Rows of the raw tables after ingesting the landing folder."""
    report = ingest(landing, warehouse, state_dir=warehouse.parent / "dlt", sources=["crm"])
    assert not report.troubles
    with duckdb.connect(str(warehouse), read_only=True) as database:
        return database.execute(statement).fetchall()


def test_every_stage_comes_back_once_also_those_that_the_server_set(crm: LocalTryton, tmp_path: Path) -> None:
    company = Company(tmp_path, crm.secrets(), FastClock(time.time()))
    company.use_syncs()
    company.have([lead("back1"), lead("back2")])
    company.apply(SYNC)
    landing, warehouse = tmp_path / "landing", tmp_path / "raw.duckdb"
    sender, rep = crm.client(), crm.client(REP)
    assert pull(sender, landing)["leads"] == 0, "what only we wrote is no news"

    found = rep.call("model.sale.opportunity.search", [["external_id", "=", "back1"]], 0, None, None)
    rep.call("model.sale.opportunity.opportunity", found)
    rep.call("model.sale.opportunity.write", found, {"amount": 500000})
    rep.call("model.sale.opportunity.convert", found)
    came_of = [["origin", "=", f"sale.opportunity,{found[0]}"]]
    sales = rep.call("model.sale.sale.search", came_of, 0, None, None)
    note = {"resource": f"sale.opportunity,{found[0]}", "message": "met her"}
    rep.call("model.ir.note.create", [note])
    rep.call("model.sale.sale.cancel", sales)  # the server then loses the opportunity by itself
    company.have([lead("back1", headline="after"), lead("back2", headline="after")])
    company.apply(SYNC)

    counts = pull(sender, landing)
    expected = {"leads": 1, "opportunities": 1, "opportunity_stages": 3, "orders": 0, "activities": 1}
    assert {kind: counts[kind] for kind in expected} == expected
    newest_last = "select stage, entered_at from raw_crm.opportunity_stages order by entered_at"
    stages = loaded(landing, warehouse, newest_last)
    assert [stage for stage, _ in stages] == ["qualified", "proposal", "lost"]
    assert len({entered for _, entered in stages}) == 3
    who = "select external_id, status, email from raw_crm.leads"
    assert loaded(landing, warehouse, who) == [("back1", "lost", "back1@example.com")]
    assert loaded(landing, warehouse, "select activity_type from raw_crm.activities") == [("note",)]

    pull(sender, landing)  # the overlap brings the same rows again
    again = loaded(landing, warehouse, "select count(*) from raw_crm.opportunity_stages")
    assert again == [(3,)]


def test_a_server_that_fails_half_way_leaves_no_file_and_no_cursor(crm: LocalTryton, tmp_path: Path) -> None:
    with proxy_before(crm.port, "/crm", seed=1) as proxy:
        proxy.planned = {number: "500" for number in range(6, 40)}
        client = Tryton(proxy.url, REP, crm.secrets()["IKUSEI_TRYTON_PASSWORD"])
        with pytest.raises(TrytonError):
            pull(client, tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
