"""The way back from HubSpot: every stage of a deal, merged contacts, own writes left out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from activation_warehouse import Company, FastClock, lead
from hubspot_double import TOKEN, HubSpotDouble
from test_ingestion_salesforce import loaded
from vendor_server import VendorError, serving

from ingestion.hubspot import pull
from ingestion.hubspot_rest import HubSpotPortal
from ingestion.vendor_calls import CallFailed
from orchestration.way_back import pull_all

SYNC = "hubspot_routed_leads"


@pytest.fixture
def crm() -> Iterator[HubSpotDouble]:
    double = HubSpotDouble()
    with serving(double):
        yield double
    assert double.complaints == [], "a request or an answer broke the vendor's contract"


@pytest.fixture
def portal(crm: HubSpotDouble) -> Iterator[HubSpotPortal]:
    client = HubSpotPortal(TOKEN, url=crm.url)
    yield client
    client.close()


def sent(tmp_path: Path, crm: HubSpotDouble, *keys: str) -> dict[str, dict]:
    """Contacts that our own sync gave the portal, by their key."""
    company = Company(tmp_path, {"IKUSEI_HUBSPOT_TOKEN": TOKEN}, FastClock(time.time()))
    company.use_syncs(hubspot={"options": {"url": crm.url}})
    company.have([lead(key) for key in keys])
    assert company.apply(SYNC)[SYNC].acked == len(keys)
    return {item["properties"]["ikusei_id"]: item for item in crm.live("contacts")}


def deal(crm: HubSpotDouble, contact: dict, *stages: str) -> dict:
    """A deal of a contact that a rep led through stages."""
    item = crm.make("deals", {"dealname": "新CRM導入", "amount": "500000", "pipeline": "default"})
    item["associations"] = [contact["id"]]
    for stage in stages:
        crm.change(item, {"dealstage": stage, "closedate": "2026-06-30T00:00:00.000Z"})
    return item


def test_every_stage_comes_back_once_and_what_only_we_wrote_is_no_news(
    crm: HubSpotDouble, portal: HubSpotPortal, tmp_path: Path
) -> None:
    contacts, landing = sent(tmp_path, crm, "a", "b"), tmp_path / "landing"
    assert pull(portal, landing)["leads"] == 0
    crm.change(contacts["a"], {"hs_lead_status": "CONNECTED", "hubspot_owner_id": "77"})
    deal(crm, contacts["a"], "appointment", "contract", "closedwon")
    call = crm.make("calls", {"hs_timestamp": "2026-05-01T00:30:00.000Z", "hubspot_owner_id": "77"})
    call["associations"] = [contacts["a"]["id"]]
    team = {"id": "1", "name": "area-kanto", "primary": True}
    crm.owners = [
        {"id": "77", "lastName": "佐藤", "email": "jiro@example.com", "teams": [team], "updatedAt": crm.now()}
    ]
    counts = pull(portal, landing)
    expected = {
        "leads": 1,
        "opportunities": 1,
        "opportunity_stages": 3,
        "orders": 1,
        "owners": 1,
        "activities": 2,
    }
    assert {kind: counts[kind] for kind in expected} == expected
    who = f"hubspot-{contacts['a']['id']}"
    rows = "select lead_id, external_id, email, status, owner_id from raw_crm.leads"
    assert loaded(landing, rows) == [(who, "a", "a@example.com", "CONNECTED", "hubspot-77")]
    stages = "select stage from raw_crm.opportunity_stages order by entered_at"
    assert loaded(landing, stages) == [("qualified",), ("negotiation",), ("won",)]
    ties = "select lead_id, stage, amount_jpy from raw_crm.opportunities"
    assert loaded(landing, ties) == [(who, "won", 500000)]
    assert loaded(landing, "select lead_id, amount_jpy from raw_crm.orders") == [(who, 500000)]
    deeds = "select lead_id, activity_type, outcome from raw_crm.activities order by activity_type"
    assert loaded(landing, deeds) == [(who, "call", None), (who, "lead_status", "CONNECTED")]
    assert loaded(landing, "select owner_name, unit_id from raw_crm.owners") == [("佐藤", "area-kanto")]
    pull(portal, landing)  # the overlap brings the same rows again
    assert loaded(landing, "select count(*) from raw_crm.opportunity_stages where occurrence = 1") == [(3,)]


def test_a_merge_of_contacts_moves_their_deals_to_the_survivor(
    crm: HubSpotDouble, portal: HubSpotPortal, tmp_path: Path
) -> None:
    contacts, landing = sent(tmp_path, crm, "a"), tmp_path / "landing"
    by_hand = crm.make("contacts", {"email": "taro@example.com"})
    sold = deal(crm, by_hand, "appointment")
    pull(portal, landing)
    before = "select lead_id from raw_crm.opportunities order by updated_at desc, loaded_at desc limit 1"
    assert loaded(landing, before) == [(f"hubspot-{by_hand['id']}",)]
    cursor = landing / "crm" / "hubspot" / ".cursor.json"
    crm.ticks = iter(range(3000, 9000))  # hours later, so that the overlap does not bring the deal by itself
    crm.merge("contacts", contacts["a"]["id"], by_hand["id"])
    changed = pull(portal, landing)
    assert cursor.exists() and changed["opportunities"] == 1 and sold["updatedAt"] < "2026-05-01T00:49"
    who = "select distinct lead_id from raw_crm.opportunities"
    assert (f"hubspot-{contacts['a']['id']}",) in loaded(landing, who)


def test_many_pages_and_an_answer_that_breaks_leaves_no_file_and_no_cursor(
    crm: HubSpotDouble, portal: HubSpotPortal, tmp_path: Path
) -> None:
    for number in range(120):
        crm.make("contacts", {"email": f"n{number}@example.com"})
    inner, asked = crm.answer, []

    def breaks(method: str, path: str, *rest: object) -> tuple[int, object]:
        asked.append(path)
        if len(asked) == 9:
            raise VendorError(502, "")
        return inner(method, path, *rest)

    crm.answer = breaks
    with pytest.raises(CallFailed):
        pull(portal, tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    environment = {"IKUSEI_HUBSPOT_TOKEN": TOKEN, "IKUSEI_HUBSPOT_URL": crm.url}
    assert pull_all(tmp_path, environment)["hubspot leads"] == 120
