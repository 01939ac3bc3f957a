"""The way back from a real Tryton: every stage, not the last one, keyed by our id, without our own writes."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from activation_crm import SYNC, ask, tryton_or_skip
from activation_warehouse import Company, FastClock, lead
from fault_proxy import proxy_before

from ingestion import ingest
from ingestion.tryton import pull
from ingestion.tryton_rpc import Tryton, TrytonError
from orchestration.activation.local_tryton import REP, LocalTryton, running_tryton

TODAY = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"  # the rep's day is the machine's


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


def confirm_a_sale(crm: LocalTryton, key: str, amount_jpy: int) -> None:
    """What a rep does: takes the lead up, writes a quotation, and confirms it."""
    rep = crm.client(REP)
    found = rep.call("model.sale.opportunity.search", [["external_id", "=", key]], 0, None, None)
    rep.call("model.sale.opportunity.opportunity", found)
    rep.call("model.sale.opportunity.convert", found)
    came_of = [["origin", "=", f"sale.opportunity,{found[0]}"]]
    sales = rep.call("model.sale.sale.search", came_of, 0, None, None)
    line = {"type": "line", "description": "licence", "quantity": 1, "unit_price": Decimal(amount_jpy)}
    by_hand = {"invoice_method": "manual", "shipment_method": "manual"}  # no chart of accounts is needed
    rep.call("model.sale.sale.write", sales, {**by_hand, "lines": [["create", [line]]]})
    rep.call("model.sale.sale.quote", sales)
    rep.call("model.sale.sale.confirm", sales)


def test_a_confirmed_sale_comes_back_as_an_order_and_its_opportunity_as_won(
    crm: LocalTryton, tmp_path: Path
) -> None:
    company = Company(tmp_path, crm.secrets(), FastClock(time.time()))
    company.use_syncs()
    company.have([lead("sold1"), lead("sold2")])
    company.apply(SYNC)
    confirm_a_sale(crm, "sold1", 300_000)
    landing, warehouse = tmp_path / "landing", tmp_path / "raw.duckdb"
    pull(crm.client(), landing)
    ordered = (
        "select leads.external_id, orders.amount_jpy, opportunities.stage from raw_crm.orders as orders "
        "inner join raw_crm.opportunities as opportunities using (opportunity_id) "
        "inner join raw_crm.leads as leads on leads.lead_id = opportunities.lead_id "
        "where leads.external_id like 'sold%'"
    )
    assert loaded(landing, warehouse, ordered) == [("sold1", 300_000, "won")]


@pytest.mark.skipif(not os.environ.get("IKUSEI_LONG_TESTS"), reason="long: two whole runs")
def test_a_sale_confirmed_in_tryton_raises_the_opportunities_and_the_revenue_of_the_marts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestrated import first_run, invented

    from orchestration import activate
    from orchestration.demo_sending import units_of
    from orchestration.home import Home, Settings
    from orchestration.run import run

    home = Home(tmp_path / "home")
    shutil.copytree(first_run()[0].root, home.root, symlinks=True)
    shutil.copytree(invented(), home.landing, dirs_exist_ok=True)
    told = (
        "select (select count(*) from funnel.fct_opportunities), (select count(*) from funnel.fct_orders), "
        "(select sum(amount_jpy) from funnel.fct_orders)"
    )

    def marts(statement: str) -> list[tuple]:
        with duckdb.connect(str(home.warehouse), read_only=True) as database:
            return database.execute(statement).fetchall()

    run(home, Settings(), as_of=TODAY, say=lambda line: None)
    with running_tryton(units_of(home)) as own:
        for name, value in own.secrets().items():
            monkeypatch.setenv(name, value)
        (sent,) = activate.apply(home, only=SYNC)
        assert sent.acked > 0
        key = min(row["external_id"] for row in ask(own, "select external_id from sale_opportunity"))
        before = marts(told)[0]
        confirm_a_sale(own, key, 300_000)
        pull(own.client(), home.landing)
    run(home, Settings(), as_of=TODAY, say=lambda line: None)
    opportunities, orders, revenue = marts(told)[0]
    assert (opportunities - before[0], orders - before[1]) == (1, 1)
    assert (revenue or 0) - (before[2] or 0) == 300_000
    steps = f"select step_id from funnel.fct_funnel_steps where subject_id = '{key}'"
    assert {"opportunity", "order"} <= {step for (step,) in marts(steps)}


def test_a_server_that_fails_half_way_leaves_no_file_and_no_cursor(crm: LocalTryton, tmp_path: Path) -> None:
    with proxy_before(crm.port, "/crm", seed=1) as proxy:
        proxy.planned = {number: "500" for number in range(6, 40)}
        client = Tryton(proxy.url, REP, crm.secrets()["IKUSEI_TRYTON_PASSWORD"])
        with pytest.raises(TrytonError):
            pull(client, tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
