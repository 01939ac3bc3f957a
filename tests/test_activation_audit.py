"""Drift: what people did over there is found, named, and resolved when it is over; a look changes nothing."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from activation_crm import SYNC, ask, tryton_or_skip
from activation_warehouse import Company, FastClock, lead

from orchestration.activation import SyncAudit, audit, publish_ledger
from orchestration.activation.ledger import Ledger
from orchestration.activation.local_tryton import REP, LocalTryton

FILES = "files_routed_leads"


@pytest.fixture(scope="module")
def crm() -> Iterator[LocalTryton]:
    with tryton_or_skip() as running:
        yield running


def audited(company: Company, sync: str) -> SyncAudit:
    (made,) = audit(
        company.warehouse,
        company.ledger,
        company.syncs,
        only=sync,
        out_dir=company.out_dir,
        secrets=company.secrets,
    )
    return made


def findings(company: Company, where: str = "resolved_at is null") -> list[tuple]:
    """(key, kind, fields, survivor) of the published drift."""
    database = company.root / "published.duckdb"
    publish_ledger(company.ledger, database)
    with duckdb.connect(str(database), read_only=True) as published:
        return published.execute(
            f"select key, kind, field_names, survivor_key from activation.drift where {where} order by key"
        ).fetchall()


def test_what_people_did_in_tryton_is_named_and_resolved_when_it_is_over(
    crm: LocalTryton, tmp_path: Path
) -> None:
    company = Company(tmp_path, crm.secrets(), FastClock(time.time()))
    company.use_syncs()
    names = ("same", "gone", "edited", "closed", "merged", "into")
    company.have([lead(f"drift-{name}") for name in names])
    company.apply(SYNC)
    rep, rows = crm.client(REP), ask(crm, "select id, external_id as key, party from sale_opportunity")
    ids = {row["key"]: int(row["id"]) for row in rows}
    rep.call("model.sale.opportunity.cancel", [ids["drift-gone"], ids["drift-closed"]])
    rep.call("model.sale.opportunity.delete", [ids["drift-gone"]])
    edits = {"description": "my own words", "comment": "a note of the rep's is no drift", "amount": 5}
    rep.call("model.sale.opportunity.write", [ids["drift-edited"]], edits)
    rep.call("model.sale.opportunity.create", [{"external_id": "drift-foreign", "description": "by hand"}])
    ask(crm, "update party_party set active = false, replaced_by = (select id from party_party where "
             "code = 'drift-into') where code = 'drift-merged'; update sale_opportunity set party = (select "
             "id from party_party where code = 'drift-into') where external_id = 'drift-merged'")  # fmt: skip

    with Ledger.open(company.ledger) as ledger:
        states = ledger.rows(SYNC)
    found = audited(company, SYNC)
    assert (found.status, found.believed, found.found) == ("done", 6, 6)
    assert (found.agreed, found.closed, found.pending) == (2, 1, 0)
    assert findings(company) == [
        ("drift-edited", "edited", "description", None),
        ("drift-foreign", "orphan", None, None),
        ("drift-gone", "ghost", None, None),
        ("drift-merged", "merged", None, "drift-into"),
    ]
    with Ledger.open(company.ledger) as ledger:
        assert ledger.rows(SYNC) == states, "an audit only looks"

    rep.call("model.sale.opportunity.write", [ids["drift-edited"]], {"description": "B2 | 株式会社例 | -"})
    found = audited(company, SYNC)
    assert (found.agreed, found.count("edited")) == (3, 0)
    assert findings(company, "resolved_at is not null") == [("drift-edited", "edited", "description", None)]
    assert findings(company, "first_seen_at < last_seen_at and kind = 'ghost'"), "it stays one finding"

    company.have([lead(f"drift-{name}", headline="newer") for name in names])
    assert audited(company, SYNC).pending == 3, "what the next apply changes is not judged"


def test_a_file_is_audited_line_by_line_and_a_webhook_says_that_it_cannot_be(tmp_path: Path) -> None:
    company = Company(tmp_path)
    company.use_syncs()
    company.have([lead("a"), lead("b"), lead("c")])
    company.apply(FILES)
    assert (audited(company, FILES).agreed, findings(company)) == (3, [])
    lines = list(csv.reader(company.csv.read_text("utf-8-sig").splitlines()))
    lines[1][2] = "somebody@else.example"
    lines[3][0] = "z"
    with company.csv.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(lines)
    audited(company, FILES)
    assert findings(company) == [
        ("a", "edited", "email", None),
        ("c", "ghost", None, None),
        ("z", "orphan", None, None),
    ]
    assert audited(company, "webhook_routed_leads").status == "cannot_be_read"
    assert audited(company, SYNC).status == "not_configured"
    assert len(findings(company)) == 3, "who could not look resolves nothing"


def test_a_ledger_of_the_version_before_gets_the_tables_of_audits(tmp_path: Path) -> None:
    from orchestration.activation import ledger_rows

    company = Company(tmp_path)
    company.use_syncs()
    company.have([lead("a")])
    company.apply(FILES)
    with Ledger.open(company.ledger) as ledger:
        ledger.query("drop table activation_audit")
        ledger.query("drop table activation_drift")
        ledger.query("pragma user_version = 1")
    assert audited(company, FILES).agreed == 1
    with Ledger.open(company.ledger) as ledger:
        assert ledger.query("pragma user_version") == [(ledger_rows.SCHEMA_VERSION,)]
