"""The way back from Salesforce: every stage, merged and converted leads, own writes left out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from activation_warehouse import Company, FastClock, lead
from salesforce_double import CLIENT, SECRET, SalesforceDouble
from vendor_server import VendorError, serving

from ingestion import ingest
from ingestion.crm_pull import Survivors, entered, utc_text
from ingestion.salesforce import pull
from ingestion.salesforce_rest import SalesforceOrg
from ingestion.vendor_calls import CallFailed
from orchestration.trouble import Trouble
from orchestration.way_back import pull_all

SYNC = "salesforce_routed_leads"
STAGES = [
    ("Prospecting", "Pipeline"),
    ("Proposal", "BestCase"),
    ("Negotiation", "Forecast"),
    ("Closed Won", "Closed"),
    ("Closed Lost", "Omitted"),
]


@pytest.fixture
def crm() -> Iterator[SalesforceDouble]:
    double = SalesforceDouble()
    for label, category in STAGES:
        double.make("OpportunityStage", MasterLabel=label, ForecastCategory=category)
    with serving(double):
        yield double


@pytest.fixture
def org(crm: SalesforceDouble) -> Iterator[SalesforceOrg]:
    client = SalesforceOrg(crm.url, CLIENT, SECRET)
    yield client
    client.close()


def secrets_of(url: str) -> dict[str, str]:
    return {
        "IKUSEI_SALESFORCE_URL": url,
        "IKUSEI_SALESFORCE_CLIENT_ID": CLIENT,
        "IKUSEI_SALESFORCE_CLIENT_SECRET": SECRET,
    }


def sent(tmp_path: Path, crm: SalesforceDouble, *keys: str) -> dict[str, dict]:
    """Leads that our own sync gave the org, by their key."""
    company = Company(tmp_path, secrets_of(crm.url), FastClock(time.time()))
    company.use_syncs()
    company.have([lead(key) for key in keys])
    assert company.apply(SYNC)[SYNC].acked == len(keys)
    return {record["Ikusei_Id__c"]: record for record in crm.live("Lead")}


def loaded(landing: Path, statement: str) -> list[tuple]:
    """Rows of the raw tables after ingesting the landing folder."""
    warehouse = landing.parent / "raw.duckdb"
    report = ingest(landing, warehouse, state_dir=landing.parent / "dlt", sources=["crm"])
    assert not report.troubles
    with duckdb.connect(str(warehouse), read_only=True) as database:
        return database.execute(statement).fetchall()


def deal(crm: SalesforceDouble, *stages: str, **values: object) -> dict:
    """An opportunity that a rep led through stages."""
    record = crm.make("Opportunity", Name="新CRM導入", Amount=500000.0, CloseDate="2026-06-30", **values)
    for stage in stages:
        crm.change("Opportunity", record, StageName=stage)
        step = {"OpportunityId": record["Id"], "StageName": stage, "CreatedDate": record["SystemModstamp"]}
        crm.histories.setdefault("OpportunityHistory", []).append({"Id": f"008{len(crm.histories)}", **step})
    return record


def test_every_stage_comes_back_once_and_what_only_we_wrote_is_no_news(
    crm: SalesforceDouble, org: SalesforceOrg, tmp_path: Path
) -> None:
    leads, landing = sent(tmp_path, crm, "a", "b"), tmp_path / "landing"
    assert pull(org, landing)["leads"] == 0
    crm.change("Lead", leads["a"], Status="Working")
    won = deal(crm, "Prospecting", "Proposal", "Proposal", "Closed Won")
    contact = "003000000000099AAA"
    crm.change(
        *("Lead", leads["a"]),
        IsConverted=True,
        ConvertedContactId=contact,
        ConvertedOpportunityId=won["Id"],
    )
    crm.make("Task", WhoId=contact, WhatId=won["Id"], OwnerId="005R", TaskSubtype="Call", Status="Completed")
    crm.make(
        "Order",
        OpportunityId=won["Id"],
        TotalAmount=480000.0,
        EffectiveDate="2026-07-01",
        StatusCode="Activated",
    )
    crm.make(
        "Order", OpportunityId=won["Id"], TotalAmount=1.0, EffectiveDate="2026-07-01", StatusCode="Draft"
    )
    crm.make("User", Name="佐藤 次郎", Email="jiro@example.com", Department="area-kanto")
    counts = pull(org, landing)
    expected = {"leads": 1, "opportunities": 1, "opportunity_stages": 3, "orders": 1, "owners": 1}
    assert {kind: counts[kind] for kind in expected} == expected
    who = "select lead_id, external_id, email, status from raw_crm.leads"
    assert loaded(landing, who) == [(leads["a"]["Id"], "a", "a@example.com", "Working")]
    stages = "select stage from raw_crm.opportunity_stages order by entered_at"
    assert loaded(landing, stages) == [("qualified",), ("proposal",), ("won",)]
    lead_id = leads["a"]["Id"]
    ties = "select lead_id, stage, amount_jpy from raw_crm.opportunities"
    assert loaded(landing, ties) == [(lead_id, "won", 500000)]
    assert loaded(landing, "select lead_id, amount_jpy from raw_crm.orders") == [(lead_id, 480000)]
    deeds = "select lead_id, activity_type, outcome from raw_crm.activities order by activity_type"
    assert loaded(landing, deeds) == [(lead_id, "call", "Completed"), (lead_id, "lead_status", "Working")]
    assert loaded(landing, "select unit_id from raw_crm.owners") == [("area-kanto",)]
    pull(org, landing)  # the overlap brings the same rows again
    assert loaded(landing, "select count(*) from raw_crm.opportunity_stages where occurrence = 1") == [(3,)]


def test_a_merged_lead_is_told_under_the_survivor_with_our_key(
    crm: SalesforceDouble, org: SalesforceOrg, tmp_path: Path
) -> None:
    leads, landing = sent(tmp_path, crm, "a"), tmp_path / "landing"
    survivor = crm.make("Lead", LastName="山田", Company="B", Email="taro@example.com", Ikusei_Id__c=None)
    middle = crm.make("Lead", LastName="山田", Company="B", Ikusei_Id__c=None)
    crm.make("Task", WhoId=leads["a"]["Id"], TaskSubtype="Call", Status="Completed")
    crm.change("Lead", leads["a"], MasterRecordId=middle["Id"], IsDeleted=True)
    crm.change("Lead", middle, MasterRecordId=survivor["Id"], IsDeleted=True)
    pull(org, landing)
    assert loaded(landing, "select lead_id, external_id from raw_crm.leads") == [(survivor["Id"], "a")]
    assert loaded(landing, "select lead_id from raw_crm.activities") == [(survivor["Id"],)]


def test_an_org_without_orders_and_without_tracked_fields_tells_what_it_has(
    crm: SalesforceDouble, org: SalesforceOrg, tmp_path: Path
) -> None:
    leads, inner = sent(tmp_path, crm, "a", "b"), crm.answer

    def plain_org(method: str, path: str, query: dict, *rest: object) -> tuple[int, object]:
        for kind in ("Order", "LeadHistory"):
            if f" FROM {kind} " in f"{query.get('q', '')} ":
                raise VendorError(400, [{"errorCode": "INVALID_TYPE", "message": f"{kind} is not supported"}])
        return inner(method, path, query, *rest)

    crm.answer = plain_org
    crm.change("Lead", leads["a"], Status="Working")
    deal(crm, "Prospecting", "Closed Won")
    deal(crm, "Prospecting", "Closed Lost")
    counts = pull(org, tmp_path / "landing")
    assert (counts["orders"], counts["leads"]) == (1, 1)


def test_many_rows_come_page_by_page_and_an_answer_that_breaks_leaves_no_file_and_no_cursor(
    crm: SalesforceDouble, org: SalesforceOrg, tmp_path: Path
) -> None:
    crm.pages_of = 7
    for number in range(30):
        crm.make("Lead", LastName=f"L{number}", Company="B")
    inner, asked = crm.answer, []

    def breaks(method: str, path: str, *rest: object) -> tuple[int, object]:
        asked.append(path)
        if len(asked) == 8:
            raise VendorError(503, [{"errorCode": "SERVER_UNAVAILABLE", "message": "later"}])
        return inner(method, path, *rest)

    crm.answer = breaks
    with pytest.raises(CallFailed):
        pull(org, tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert pull(org, tmp_path)["leads"] == 30


def test_pull_reaches_every_crm_that_is_set_up_and_names_what_is_missing(
    crm: SalesforceDouble, tmp_path: Path
) -> None:
    with pytest.raises(Trouble, match=r"IKUSEI_TRYTON_URL.*IKUSEI_SALESFORCE_URL.*IKUSEI_HUBSPOT_TOKEN"):
        pull_all(tmp_path, {})
    crm.make("Lead", LastName="L", Company="B")
    assert pull_all(tmp_path, secrets_of(crm.url))["salesforce leads"] == 1
    wrong = {**secrets_of(crm.url), "IKUSEI_SALESFORCE_CLIENT_SECRET": "wrong"}
    with pytest.raises(Trouble, match=r"salesforce did not answer .login 401.*Nothing is lost") as said:
        pull_all(tmp_path, wrong)
    assert "wrong" not in str(said.value)


def test_a_chain_of_merges_ends_and_stages_that_repeat_are_one() -> None:
    chain = Survivors([("a", "b"), ("b", "c"), ("x", "y"), ("y", "x"), ("n", None)])
    assert (chain.of("a"), chain.of("c"), chain.of("n"), chain.of(None)) == ("c", "c", "n", None)
    assert chain.of("x") in ("x", "y"), "a ring has no end, but the walk has"
    steps = [("3", "won"), ("1", "qualified"), ("2", "qualified"), ("2.5", None)]
    assert entered(steps) == [("1", "qualified"), ("3", "won")]
    assert (
        utc_text("2026-05-01T09:00:00.000+0900")
        == "2026-05-01T00:00:00.000000Z"
        == utc_text("2026-05-01T00:00:00Z")
    )
