"""Sending to HubSpot: leads with their contacts, held to the vendor's contract, judged by what it stored."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from activation_warehouse import Company, FastClock, lead
from destination_storm import NO_GUARDS, QUICK, VendorStorm, run_vendor_storm
from fault_proxy import proxy_before
from hubspot_double import TOKEN, HubSpotDouble
from vendor_server import VendorError, serving

from orchestration.activation import SyncRun, plan, verify
from orchestration.activation.ledger import Ledger

SYNC = "hubspot_routed_leads"
SECRETS = {"IKUSEI_HUBSPOT_TOKEN": TOKEN}


@pytest.fixture
def portal() -> Iterator[HubSpotDouble]:
    double = HubSpotDouble()
    with serving(double):
        yield double
    assert double.complaints == [], "a request or an answer broke the vendor's contract"


@pytest.fixture
def company(tmp_path: Path, portal: HubSpotDouble) -> Company:
    made = Company(tmp_path, dict(SECRETS), FastClock(time.time()))
    use(made, portal)
    return made


def use(company: Company, portal: HubSpotDouble, **changes: object) -> None:
    """The product's own sync file, pointed at the double."""
    options = {"url": portal.url, **(changes.pop("options", None) or {})}
    company.use_syncs(hubspot={"options": options, **changes})


def use_contacts(company: Company, portal: HubSpotDouble, **changes: object) -> None:
    """The same file for contacts alone, as its comment says."""
    use(company, portal, options={"object": "contacts"}, **changes)
    path = company.syncs / f"{SYNC}.yml"
    text = path.read_text(encoding="utf-8").replace("contact.", "")
    drop = ("hs_lead_name", "ikusei_unit", "ikusei_rule", "ikusei_note", "hs_pipeline_stage")
    said = yaml.safe_load(text)
    said["fields"] = {name: rule for name, rule in said["fields"].items() if name not in drop}
    said["fields"]["company"]["ownership"] = "overwrite"
    path.write_text(yaml.safe_dump(said, allow_unicode=True, sort_keys=False), encoding="utf-8")


def apply(company: Company, **how: object) -> SyncRun:
    return company.apply(SYNC, **how)[SYNC]


def leads(portal: HubSpotDouble) -> dict[str, dict[str, str]]:
    return {item["properties"]["ikusei_id"]: item["properties"] for item in portal.live("leads")}


def reject_of(company: Company, key: str) -> tuple[str | None, str | None, str | None]:
    with Ledger.open(company.ledger) as ledger:
        row = ledger.rows(SYNC)[key]
        return row.state, row.error_code, row.error_text


def test_a_lead_arrives_once_with_its_contact_and_a_second_apply_writes_nothing(
    company: Company, portal: HubSpotDouble
) -> None:
    company.have([lead("a", approach_note="資料請求"), lead("b", phone=None)])
    run = apply(company)
    assert (run.status, run.acked, run.verified, run.destination_class) == ("done", 2, 2, "A")
    assert "verify" in run.guarantee
    assert leads(portal)["a"]["hs_lead_name"] == "B2 | 株式会社例 | -"
    (item,) = [item for item in portal.live("leads") if item["properties"]["ikusei_id"] == "a"]
    contact = portal.find("contacts", item["associations"][0], None)
    assert contact["properties"]["email"] == "a@example.com" and contact["properties"]["ikusei_id"] == "a"
    wrote = portal.wrote()
    assert apply(company).requests == 0 and portal.wrote() == wrote


def test_a_contact_that_the_portal_has_by_its_address_is_taken_and_not_entered_twice(
    company: Company, portal: HubSpotDouble
) -> None:
    old = portal.make("contacts", {"email": "A@example.com", "lastname": "山田 太郎 (本人)"})
    company.have([lead("a")])
    assert apply(company).acked == 1
    (item,) = portal.live("leads")
    assert item["associations"] == [old["id"]] and len(portal.live("contacts")) == 1
    assert old["properties"]["lastname"] == "山田 太郎 (本人)"


def test_contacts_alone_are_adopted_by_address_and_keep_what_people_wrote(
    company: Company, portal: HubSpotDouble
) -> None:
    old = portal.make("contacts", {"email": "a@example.com", "phone": "the rep's", "company": "old name"})
    use_contacts(company, portal)
    company.have([lead("a"), lead("b")])
    run = apply(company)
    assert (run.status, run.acked, run.verified) == ("done", 2, 2)
    assert len(portal.live("contacts")) == 2
    assert old["properties"] == {
        **{"email": "a@example.com", "phone": "the rep's", "company": "株式会社例"},
        **{"ikusei_id": "a", "lastname": "山田太郎"},
    }


def test_an_address_that_another_of_our_people_has_there_is_named_and_the_others_go(
    company: Company, portal: HubSpotDouble
) -> None:
    use_contacts(company, portal)
    company.have([lead("a"), lead("b", email="a@example.com"), lead("c")])
    run = apply(company)
    assert (run.acked, run.rejected) == (2, 1)
    assert apply(company).requests == 0, "a row that can never go is not asked again"


def test_what_the_rep_owns_survives_and_what_we_own_is_kept_up(
    company: Company, portal: HubSpotDouble
) -> None:
    company.have([lead("a", approach_note="first words")])
    apply(company)
    (item,) = portal.live("leads")
    portal.change(item, {"ikusei_note": "met her, budget in May", "hs_pipeline_stage": "connected"})
    company.have([lead("a", headline="A1 now", approach_note="newer words")])
    assert apply(company).acked == 1
    assert item["properties"]["hs_lead_name"] == "A1 now"
    assert item["properties"]["ikusei_note"] == "met her, budget in May"
    assert item["properties"]["hs_pipeline_stage"] == "connected"


def test_rows_that_the_portal_refuses_are_named_and_the_rest_of_the_batch_goes(
    company: Company, portal: HubSpotDouble
) -> None:
    portal.poison = {"k07"}
    company.have([lead(f"k{number:02}") for number in range(30)])
    run = apply(company)
    assert (run.status, run.acked, run.rejected) == ("done", 29, 1)
    assert reject_of(company, "k07")[:2] == ("rejected", "VALIDATION_ERROR")
    assert len(portal.live("leads")) == 29


@pytest.mark.parametrize("twist", ["half", "empty", "turned", "twice"])
def test_an_answer_with_rows_missing_doubled_or_in_another_order_is_not_taken_for_done(
    company: Company, portal: HubSpotDouble, twist: str
) -> None:
    portal.twists = [twist, twist, twist]
    company.have([lead(f"k{number:02}") for number in range(10)])
    run = apply(company)
    assert (run.status, run.acked, run.verified, run.unknown) == ("done", 10, 10, 0)
    assert len(portal.live("leads")) == 10 == len(portal.live("contacts"))


def test_429_waits_as_long_as_it_is_told_and_rejects_nobody(company: Company, portal: HubSpotDouble) -> None:
    company.have([lead("a"), lead("b")])
    busy = {"status": "error", "category": "RATE_LIMITS", "message": "ten seconds"}
    check, *looks = [VendorError(429, busy, {"Retry-After": "7"}) for _ in range(2)]
    portal.planned = [check, *looks, VendorError(429, busy)]
    run = apply(company)
    assert (run.status, run.acked, run.rejected) == ("done", 2, 0)
    assert company.clock.slept[0] >= 7 and company.clock.slept[1] >= 1, "never a busy loop"


@pytest.mark.parametrize("mode", ["insert", "update_only", "upsert", "mirror", "archive"])
def test_each_mode_does_what_it_says(company: Company, portal: HubSpotDouble, mode: str) -> None:
    person = portal.make("contacts", {"email": "old@example.com"})
    old = portal.make("leads", {"ikusei_id": "old", "hs_lead_name": "the rep's own"})
    old["associations"] = [person["id"]]
    closing = {
        "archive_values": {"hs_pipeline_stage": "unqualified"},
        "restore_values": {"hs_pipeline_stage": "new"},
    }
    use(company, portal, mode=mode, guards={"shrink_pct": None}, options=closing)
    company.have([lead(key, headline="first") for key in ("old", "new", "gone")])
    apply(company)
    company.have([lead(key, headline="second") for key in ("old", "new")])
    assert apply(company).status == "done"
    found = {
        key: (said["hs_lead_name"], said.get("hs_pipeline_stage", "")) for key, said in leads(portal).items()
    }
    expected = {
        "insert": {"old": ("the rep's own", ""), "new": ("first", ""), "gone": ("first", "")},
        "update_only": {"old": ("second", "")},
        "upsert": {"old": ("second", ""), "new": ("second", ""), "gone": ("first", "")},
        "mirror": {"old": ("second", ""), "new": ("second", "")},
        "archive": {"old": ("second", ""), "new": ("second", ""), "gone": ("first", "unqualified")},
    }
    assert found == expected[mode]
    if mode == "archive":
        company.have([lead(key, headline="third") for key in ("old", "new", "gone")])
        apply(company)
        assert leads(portal)["gone"]["hs_pipeline_stage"] == "new"


def test_a_lead_that_people_archived_stays_archived(company: Company, portal: HubSpotDouble) -> None:
    company.have([lead("a"), lead("b")])
    apply(company)
    portal.live("leads")[0]["archived"] = True
    company.have([lead("a", headline="new"), lead("b", headline="new")])
    for _ in range(2):
        assert apply(company).status == "done"
    assert len(portal.live("leads")) == 1
    check = look(company)
    assert (check.missing, check.different, check.unexpected) == (0, 0, 0)


def look(company: Company):
    return verify(
        *(company.warehouse, company.ledger, company.syncs),
        only=SYNC,
        out_dir=company.out_dir,
        secrets=company.secrets,
    )[0]


def test_an_opt_out_between_plan_and_apply_is_obeyed(company: Company, portal: HubSpotDouble) -> None:
    rows = [lead("a"), lead("b")]
    company.have(rows)
    digest = plan(company.warehouse, company.ledger, company.syncs, only=SYNC)[0].digest
    company.have(rows, denied=["p-b"])
    run = apply(company, digest=digest)
    assert (run.acked, run.withheld) == (1, 1)
    assert set(leads(portal)) == {"a"} and len(portal.live("contacts")) == 1


def test_a_property_that_is_not_there_stops_before_the_first_write(
    company: Company, portal: HubSpotDouble
) -> None:
    wrong = {"shoe_size": {"column": "grade", "ownership": "overwrite", "why": "A test"}}
    use(company, portal, fields=wrong)
    company.have([lead("a")])
    run = apply(company)
    assert run.status == "stopped" and "shoe_size" in run.sentences[0] and portal.wrote() == 0
    use(company, portal, options={"id_property": "hs_lead_name"})
    assert "requires unique values" in apply(company).sentences[0]


def test_a_wrong_token_stops_and_names_the_variable_never_the_value(
    company: Company, portal: HubSpotDouble, caplog: pytest.LogCaptureFixture
) -> None:
    company.have([lead("a")])
    company.secrets["IKUSEI_HUBSPOT_TOKEN"] = "pat-wrong-secret"
    said = apply(company)
    assert said.status == "stopped" and "IKUSEI_HUBSPOT_TOKEN" in said.sentences[-1]
    company.secrets.clear()
    told = apply(company)
    assert (told.status, "IKUSEI_HUBSPOT_TOKEN" in told.sentences[0]) == ("not_configured", True)
    assert "pat-wrong-secret" not in caplog.text + str(said.sentences)


def test_nothing_of_a_person_stands_in_the_log_even_at_debug(
    company: Company, portal: HubSpotDouble, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    portal.poison = {"b"}
    company.have([lead("a"), lead("b")])
    apply(company)
    assert "example.com" not in caplog.text and "山田" not in caplog.text and TOKEN not in caplog.text


def test_a_dated_version_of_the_paths_is_a_setting(company: Company, portal: HubSpotDouble) -> None:
    use(company, portal, options={"api_version": "2026-03"})
    company.have([lead("a")])
    assert apply(company).verified == 1
    objects = [path for _, path in portal.requests if "objects" in path]
    assert objects and all(path.startswith("/crm/objects/2026-03/") for path in objects)


def test_an_older_write_that_arrives_late_is_found_by_the_verify_pass_and_mended(
    company: Company, portal: HubSpotDouble
) -> None:
    company.have([lead("a", headline="first")])
    apply(company)
    portal.holds = 1  # a gateway keeps the second words
    use(company, portal, options={"attempts_per_run": 1})
    company.have([lead("a", headline="second")])
    assert apply(company).unknown == 1
    company.have([lead("a", headline="third")])
    company.clock.time += 100
    assert apply(company).acked == 1
    portal.release()
    assert leads(portal)["a"]["hs_lead_name"] == "second", "HubSpot has no compare-and-set"
    assert look(company).different == 1
    assert apply(company).acked == 1 and leads(portal)["a"]["hs_lead_name"] == "third"


def use_list(company: Company, portal: HubSpotDouble, **options: object) -> None:
    """The same people as the audience of a mail list."""
    use_contacts(company, portal, mode="mirror", guards={"shrink_pct": None})
    path = company.syncs / f"{SYNC}.yml"
    said = yaml.safe_load(path.read_text(encoding="utf-8"))
    said["destination"] = "hubspot_list"
    keep = {"id_property": "ikusei_id", "url": portal.url, "list": 42, **options}
    said["options"] = keep
    path.write_text(yaml.safe_dump(said, allow_unicode=True, sort_keys=False), encoding="utf-8")


def on_list(portal: HubSpotDouble) -> set[str]:
    return {portal.of("contacts")[key]["properties"]["ikusei_id"] for key in portal.lists["42"]}


def test_a_mail_list_is_the_set_of_the_model_and_the_contacts_stay(
    company: Company, portal: HubSpotDouble
) -> None:
    portal.make("contacts", {"email": "a@example.com"})  # by hand: taken, not entered twice
    use_list(company, portal)
    company.have([lead(key) for key in ("a", "b", "c")])
    run = apply(company)
    assert (run.status, run.acked, run.verified, run.destination_class) == ("done", 3, 3, "A")
    assert on_list(portal) == {"a", "b", "c"} and len(portal.live("contacts")) == 3
    assert apply(company).requests == 0
    company.have([lead(key) for key in ("a", "b")], denied=["p-b"])
    assert apply(company).status == "done"
    assert on_list(portal) == {"a"} and len(portal.live("contacts")) == 3
    check = look(company)
    assert (check.verified, check.missing, check.unexpected) == (1, 0, 0)


def test_whom_people_took_off_the_list_is_not_put_back(company: Company, portal: HubSpotDouble) -> None:
    use_list(company, portal)
    company.have([lead("a"), lead("b")])
    apply(company)
    portal.lists["42"] = {
        key for key in portal.lists["42"] if portal.of("contacts")[key]["properties"]["ikusei_id"] == "b"
    }
    company.have([lead("a", company_name="new"), lead("b", company_name="new")])
    for _ in range(2):
        assert apply(company).status == "done"
    assert on_list(portal) == {"b"}


def test_a_list_ends_as_it_should_when_answers_are_lost(company: Company, portal: HubSpotDouble) -> None:
    with proxy_before(portal.port, "", 36) as proxy:
        use_list(company, portal, **{**QUICK, "url": proxy.url, "rows_per_call": 5})
        proxy.share, proxy.kinds = 0.2, ("429", "500", "close", "done+close", "done+502")
        company.have([lead(f"k{number:02}") for number in range(20)])
        for _ in range(30):
            company.clock.time += 5000
            if (run := apply(company)).status == "done":
                break
    assert run.status == "done" and len(on_list(portal)) == 20 == len(portal.live("contacts"))


def storm(tmp_path: Path, seed: int, *, rows: int, waves: int, kills: int, share: float, size: int) -> None:
    double = HubSpotDouble()
    with serving(double), proxy_before(double.port, "", seed) as proxy:
        company = Company(tmp_path, dict(SECRETS))
        options = {**QUICK, "rows_per_call": size, "url": proxy.url}
        company.use_syncs(hubspot={"options": options, "guards": NO_GUARDS})
        proxy.late_seconds = 0.7

        def stored():
            return [
                (item["properties"]["ikusei_id"], item["properties"]["hs_lead_name"])
                for item in double.live("leads")
            ]

        made = VendorStorm(SYNC, company, proxy, stored, random.Random(seed), double.poison)
        run_vendor_storm(made, f"storm{seed}-", rows=rows, waves=waves, kills=kills, share=share)
        contacts = [item["properties"]["email"] for item in double.live("contacts")]
        assert len(contacts) == len(set(contacts)), "no person is entered twice"
    assert double.complaints == []


def test_a_storm_of_faults_ends_with_every_lead_once_and_new(tmp_path: Path) -> None:
    storm(tmp_path, 31, rows=30, waves=2, kills=0, share=0.12, size=20)


@pytest.mark.skipif(not os.environ.get("IKUSEI_LONG_TESTS"), reason="long: make test-faults")
@pytest.mark.parametrize(("seed", "rows", "size"), [(41, 600, 50), (42, 300, 100), (43, 100, 5)])
def test_a_long_storm_with_killed_senders(tmp_path: Path, seed: int, rows: int, size: int) -> None:
    storm(tmp_path, seed, rows=rows, waves=3, kills=4, share=0.2, size=size)
