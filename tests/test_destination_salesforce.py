"""Sending to Salesforce by collections of 200, judged by what a double after its documentation stored."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from activation_warehouse import Company, FastClock, lead
from destination_storm import NO_GUARDS, QUICK, VendorStorm, run_vendor_storm
from fault_proxy import proxy_before
from salesforce_double import CLIENT, SECRET, SalesforceDouble
from vendor_server import VendorError, serving

from ingestion.salesforce_rest import quoted
from orchestration.activation import SyncRun, audit, publish_ledger, verify
from orchestration.activation.ledger import Ledger

SYNC = "salesforce_routed_leads"


@pytest.fixture
def org() -> Iterator[SalesforceDouble]:
    double = SalesforceDouble()
    with serving(double):
        yield double


@pytest.fixture
def company(tmp_path: Path, org: SalesforceDouble) -> Company:
    made = Company(tmp_path, secrets_of(org.url), FastClock(time.time()))
    made.use_syncs()
    return made


def secrets_of(url: str) -> dict[str, str]:
    return {
        "IKUSEI_SALESFORCE_URL": url,
        "IKUSEI_SALESFORCE_CLIENT_ID": CLIENT,
        "IKUSEI_SALESFORCE_CLIENT_SECRET": SECRET,
    }


def apply(company: Company, **how: object) -> SyncRun:
    return company.apply(SYNC, **how)[SYNC]


def look(company: Company):
    return verify(
        *(company.warehouse, company.ledger, company.syncs),
        only=SYNC,
        out_dir=company.out_dir,
        secrets=company.secrets,
    )[0]


def there(org: SalesforceDouble) -> dict[str, dict]:
    return {record["Ikusei_Id__c"]: record for record in org.live("Lead")}


def test_a_lead_arrives_once_and_a_second_apply_asks_nothing(company: Company, org: SalesforceDouble) -> None:
    company.have([lead("a", approach_note="資料請求"), lead("it's \\ b", phone=None)])
    run = apply(company)
    assert (run.status, run.acked, run.verified, run.destination_class) == ("done", 2, 2, "A")
    assert "unique external id" in run.guarantee
    record = there(org)["a"]
    assert (record["LastName"], record["Company"], record["Email"]) == (
        "山田太郎",
        "株式会社例",
        "a@example.com",
    )
    assert record["Ikusei_Version__c"] == 1 and org.wrote() == 1
    assert apply(company).requests == 0


def test_what_the_rep_owns_survives_and_what_we_own_is_kept_up(
    company: Company, org: SalesforceDouble
) -> None:
    company.have([lead("a")])
    apply(company)
    record = there(org)["a"]
    edits = {"LastName": "山田 太郎", "Status": "Working", "Phone": "", "Email": "A@Example.com"}
    org.change("Lead", record, **edits)
    company.have([lead("a", headline="A1 now", party_name="another", approach_note="newer")])
    assert apply(company).acked == 1
    assert record["Ikusei_Headline__c"] == "A1 now"
    assert (record["LastName"], record["Status"], record["Phone"]) == ("山田 太郎", "Working", "")


def test_a_row_that_the_org_refuses_is_named_masked_and_the_others_of_the_call_go(
    company: Company, org: SalesforceDouble
) -> None:
    org.poison, org.locked = {"k007"}, {"k011"}
    company.have([lead(f"k{number:03}") for number in range(230)])
    run = apply(company)
    assert (run.status, run.acked, run.rejected) == ("done", 229, 1)
    with Ledger.open(company.ledger) as ledger:
        row = ledger.rows(SYNC)["k007"]
    assert row.error_code == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert row.error_text == "<Email> is not welcome"
    assert org.wrote() == 2, "the row that was locked came again with the second call"


@pytest.mark.parametrize("twist", ["half", "empty", "twice"])
def test_an_answer_of_another_length_than_the_question_says_nothing_and_is_looked_up(
    company: Company, org: SalesforceDouble, twist: str
) -> None:
    org.twists = [twist]
    company.have([lead(f"k{number}") for number in range(10)])
    run = apply(company)
    assert (run.status, run.acked, run.unknown) == ("done", 10, 0)
    assert len(org.live("Lead")) == 10 and org.wrote() == 1, "found by the look, not written again"


@pytest.mark.parametrize("has_rule", [True, False])
def test_an_older_write_that_arrives_late_is_refused_by_the_rule_or_mended_by_verify(
    company: Company, org: SalesforceDouble, has_rule: bool
) -> None:
    org.has_version_rule = has_rule
    company.use_syncs(salesforce={"options": {"attempts_per_run": 1}})
    company.have([lead("a", headline="first")])
    apply(company)
    org.holds = 1
    company.have([lead("a", headline="second")])
    assert apply(company).unknown == 1
    company.have([lead("a", headline="third")])
    company.clock.time += 100
    assert apply(company).acked == 1
    org.release()
    assert there(org)["a"]["Ikusei_Headline__c"] == ("third" if has_rule else "second")
    assert look(company).different == (0 if has_rule else 1)
    apply(company)
    assert there(org)["a"]["Ikusei_Headline__c"] == "third"


def test_converted_and_deleted_leads_are_left_to_people(company: Company, org: SalesforceDouble) -> None:
    company.have([lead("won"), lead("gone"), lead("open")])
    apply(company)
    org.change("Lead", there(org)["won"], IsConverted=True, Ikusei_Headline__c="the rep's")
    there(org)["gone"]["IsDeleted"] = True
    company.have([lead(key, headline="new") for key in ("won", "gone", "open")])
    for _ in range(2):
        assert apply(company).status == "done"
    assert set(there(org)) == {"won", "open"}
    assert there(org)["won"]["Ikusei_Headline__c"] == "the rep's"
    check = look(company)
    assert (check.missing, check.different) == (0, 0)


def test_what_people_did_in_the_org_is_named_by_the_audit(company: Company, org: SalesforceDouble) -> None:
    keys = ("same", "gone", "edited", "won", "merged", "into")
    company.have([lead(key) for key in keys])
    apply(company)
    leads = there(org)
    leads["gone"]["IsDeleted"] = True
    org.change("Lead", leads["edited"], Ikusei_Headline__c="the rep's own words")
    org.change("Lead", leads["won"], IsConverted=True)
    org.change("Lead", leads["merged"], IsDeleted=True, MasterRecordId=leads["into"]["Id"])
    org.make("Lead", Ikusei_Id__c="by hand", LastName="A", Company="B")
    wrote = org.wrote()
    (made,) = audit(
        *(company.warehouse, company.ledger, company.syncs),
        only=SYNC,
        out_dir=company.out_dir,
        secrets=company.secrets,
    )
    assert (made.status, made.believed, made.agreed, made.closed) == ("done", 6, 2, 1)
    publish_ledger(company.ledger, company.root / "published.duckdb")
    with duckdb.connect(str(company.root / "published.duckdb"), read_only=True) as published:
        found = published.execute(
            "select key, kind, field_names, survivor_key from activation.drift order by key"
        ).fetchall()
    assert found == [
        ("by hand", "orphan", None, None),
        ("edited", "edited", "Ikusei_Headline__c", None),
        ("gone", "ghost", None, None),
        ("merged", "merged", None, "into"),
    ]
    assert org.wrote() == wrote, "a look changes nothing"


@pytest.mark.parametrize("mode", ["insert", "update_only", "upsert", "mirror", "archive"])
def test_each_mode_does_what_it_says(company: Company, org: SalesforceDouble, mode: str) -> None:
    org.make("Lead", Ikusei_Id__c="old", Ikusei_Headline__c="the rep's own", LastName="A", Company="B")
    options = {"archive_values": {"Status": "Closed"}, "restore_values": {"Status": "Open"}}
    company.use_syncs(salesforce={"mode": mode, "options": options, "guards": {"shrink_pct": None}})
    company.have([lead(key, headline="first") for key in ("old", "new", "gone")])
    apply(company)
    company.have([lead(key, headline="second") for key in ("old", "new")])
    assert apply(company).status == "done"
    found = {key: (record["Ikusei_Headline__c"], record.get("Status")) for key, record in there(org).items()}
    expected = {
        "insert": {"old": ("the rep's own", None), "new": ("first", None), "gone": ("first", None)},
        "update_only": {"old": ("second", None)},
        "upsert": {"old": ("second", None), "new": ("second", None), "gone": ("first", None)},
        "mirror": {"old": ("second", None), "new": ("second", None)},
        "archive": {"old": ("second", None), "new": ("second", None), "gone": ("first", "Closed")},
    }
    assert found == expected[mode]


def test_the_last_calls_of_the_orgs_day_are_left_to_others(company: Company, org: SalesforceDouble) -> None:
    org.used, org.daily = 88, 100
    company.use_syncs(salesforce={"options": {"rows_per_call": 1, "patience_seconds": 5}})
    company.have([lead(f"k{number}") for number in range(8)])
    run = apply(company)
    assert run.status == "partial" and run.rejected == 0 and org.used <= 91
    assert "wants quiet" in run.sentences[0]
    org.used = 0
    company.clock.time += 7200
    assert apply(company).status == "done" and len(org.live("Lead")) == 8


def test_a_used_up_quota_is_no_wrong_password(company: Company, org: SalesforceDouble) -> None:
    company.have([lead("a")])
    over = VendorError(
        403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded"}]
    )
    apply(company)  # the login and the describe have been made
    company.have([lead("a", headline="new")])
    token = VendorError(200, {"access_token": "00D-token-double", "id": "x/005"})
    org.planned = [token, over, over]
    run = apply(company)
    assert (run.status, run.waiting) == ("partial", 1) and "mend" not in " ".join(run.sentences)


def test_a_token_that_ran_out_is_fetched_anew(company: Company, org: SalesforceDouble) -> None:
    company.have([lead("a")])
    org.tokens_left = 1
    assert apply(company).status == "done" and len(org.live("Lead")) == 1


def test_a_wrong_secret_stops_and_names_the_variable(company: Company, org: SalesforceDouble) -> None:
    company.secrets["IKUSEI_SALESFORCE_CLIENT_SECRET"] = "wrong-secret"
    company.have([lead("a")])
    run = apply(company)
    assert run.status == "stopped" and "IKUSEI_SALESFORCE_CLIENT_SECRET" in run.sentences[-1]
    assert "wrong-secret" not in " ".join(run.sentences)


def test_a_field_that_is_not_there_and_a_key_that_is_not_unique_stop_before_the_first_write(
    company: Company, org: SalesforceDouble
) -> None:
    wrong = {"Shoe_Size__c": {"column": "grade", "ownership": "overwrite", "why": "A test"}}
    company.use_syncs(salesforce={"fields": wrong})
    company.have([lead("a")])
    assert "Shoe_Size__c" in apply(company).sentences[0]
    company.use_syncs(salesforce={"options": {"external_id": "Rating"}})
    assert "External ID and Unique" in apply(company).sentences[0] and org.wrote() == 0


def test_nothing_of_a_person_and_no_secret_stands_in_the_log_even_at_debug(
    company: Company, org: SalesforceDouble, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    org.poison = {"b"}
    company.have([lead("a"), lead("b")])
    apply(company)
    for secret in ("example.com", "山田", SECRET, "00D-token"):
        assert secret not in caplog.text


@pytest.mark.parametrize("said", ["plain", "it's", "back\\slash", "\\'"])
def test_a_key_cannot_leave_its_quotes(said: str) -> None:
    from salesforce_double import _STRING, _unquoted

    assert _unquoted(_STRING.fullmatch(quoted(said))[1]) == said


def other_sync(company: Company, org: SalesforceDouble, name: str, rows: list[dict[str, str]]) -> SyncRun:
    """Applies a sync that ships whose model has these rows."""
    table = name.replace("salesforce_", "sync_salesforce__")
    columns = ", ".join(f"{column} varchar" for column in rows[0])
    with duckdb.connect(str(company.warehouse)) as database:
        database.execute(f"create or replace table activation.{table} ({columns}, is_suppressed boolean)")
        marks = ", ".join("?" * len(rows[0]))
        for row in rows:
            database.execute(f"insert into activation.{table} values ({marks}, false)", list(row.values()))
    return company.apply(name)[name]


def test_a_task_and_a_campaign_member_point_to_the_lead_by_its_key_and_once(
    company: Company, org: SalesforceDouble
) -> None:
    """SY05. What they point to is another sync's: until it is there they wait and nothing is refused."""
    org.make("Campaign", Ikusei_Campaign_Id__c="expo-2026")
    task = {
        "sync_key": "route-1", "person_id": "p-a", "lead_key": "a", "subject": "新しいリード",
        "due_on": "2026-05-07", "approach_note": "資料請求", "consent_status": "granted",
    }  # fmt: skip
    member = {
        "sync_key": "a-expo", "person_id": "p-a", "lead_key": "a", "campaign_id": "expo-2026",
        "member_status": "Responded", "consent_status": "granted",
    }  # fmt: skip
    company.have([lead("a")])
    early = other_sync(company, org, "salesforce_tasks", [task])
    assert (early.acked, early.rejected) == (0, 0) and org.live("Task") == []
    apply(company)
    company.clock = FastClock(time.time() + 86400)
    for name, row in (("salesforce_tasks", task), ("salesforce_campaign_members", member)):
        run = other_sync(company, org, name, [row])
        assert (run.status, run.acked) == ("done", 1), run
    (found,), (joined,) = org.live("Task"), org.live("CampaignMember")
    assert found["WhoId"] == joined["LeadId"] == there(org)["a"]["Id"]
    assert (found["Subject"], found["ActivityDate"]) == ("新しいリード", "2026-05-07")
    assert joined["CampaignId"] == org.live("Campaign")[0]["Id"] and joined["Status"] == "Responded"
    run = other_sync(company, org, "salesforce_tasks", [{**task, "due_on": "2026-05-08"}])
    assert run.acked == 1 and org.live("Task")[0]["ActivityDate"] == "2026-05-08"


def storm(tmp_path: Path, seed: int, *, rows: int, waves: int, kills: int, share: float, size: int) -> None:
    double = SalesforceDouble()
    with serving(double), proxy_before(double.port, "", seed) as proxy:
        company = Company(tmp_path, secrets_of(proxy.url))
        options = {**QUICK, "rows_per_call": size}
        company.use_syncs(salesforce={"options": options, "guards": NO_GUARDS})
        proxy.late_seconds = 0.7

        def stored():
            return [(item["Ikusei_Id__c"], item["Ikusei_Headline__c"]) for item in double.live("Lead")]

        made = VendorStorm(SYNC, company, proxy, stored, random.Random(seed), double.poison)
        run_vendor_storm(made, f"storm{seed}-", rows=rows, waves=waves, kills=kills, share=share)


def test_a_storm_of_faults_ends_with_every_lead_once_and_new(tmp_path: Path) -> None:
    storm(tmp_path, 32, rows=40, waves=2, kills=0, share=0.15, size=20)


@pytest.mark.skipif(not os.environ.get("IKUSEI_LONG_TESTS"), reason="long: make test-faults")
@pytest.mark.parametrize(("seed", "rows", "size"), [(44, 600, 50), (45, 400, 200), (46, 100, 5)])
def test_a_long_storm_with_killed_senders(tmp_path: Path, seed: int, rows: int, size: int) -> None:
    storm(tmp_path, seed, rows=rows, waves=3, kills=4, share=0.2, size=size)
