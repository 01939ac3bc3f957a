"""Sending to Google Sheets: lines found by a key column, beside what people write, never run as formulas."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from activation_warehouse import Company, FastClock, lead
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from destination_storm import NO_GUARDS, QUICK, VendorStorm, run_vendor_storm
from fault_proxy import proxy_before
from sheets_double import SPREADSHEET, SheetsDouble
from vendor_server import VendorError, serving

from orchestration.activation import SyncRun, verify

SYNC = "sheets_routed_leads"


@pytest.fixture
def sheet() -> Iterator[SheetsDouble]:
    double = SheetsDouble()
    with serving(double):
        yield double
    assert double.complaints == [], "a request broke the vendor's discovery document"


@pytest.fixture
def company(tmp_path: Path, sheet: SheetsDouble) -> Company:
    made = Company(tmp_path, clock=FastClock(time.time()))
    use(made, sheet.url)
    return made


@cache
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(serialization.Encoding.PEM, *form).decode()


def use(company: Company, url: str, token_url: str | None = None, **changes: object) -> None:
    """The product's sync file and a service account, both pointed at the double."""
    account = {
        **{"type": "service_account", "client_email": "ikusei@double.example", "private_key_id": "1"},
        **{"private_key": private_key(), "token_uri": f"{token_url or url}/token"},
    }
    path = company.root / "account.json"
    path.write_text(json.dumps(account), encoding="utf-8")
    company.secrets["IKUSEI_GOOGLE_CREDENTIALS"] = str(path)
    options = {
        **{"url": url, "spreadsheet": SPREADSHEET, "requests_per_second": None},
        **(changes.pop("options", None) or {}),
    }
    company.use_syncs(sheets={"options": options, **changes})


def apply(company: Company) -> SyncRun:
    return company.apply(SYNC)[SYNC]


def look(company: Company):
    return verify(
        *(company.warehouse, company.ledger, company.syncs),
        only=SYNC,
        out_dir=company.out_dir,
        secrets=company.secrets,
    )[0]


def test_an_empty_tab_gets_its_header_and_each_lead_one_line(company: Company, sheet: SheetsDouble) -> None:
    company.have([lead("a"), lead("b", phone=None)])
    run = apply(company)
    assert (run.status, run.acked, run.verified, run.destination_class) == ("done", 2, 2, "C")
    assert "at least once" in run.guarantee
    assert sheet.tabs["leads"][0][:3] == ["key", "grade", "company_name"]
    assert sheet.by_key()["a"]["phone"] == "+81312345678" and sheet.by_key()["b"]["phone"] == ""
    wrote = sheet.wrote()
    assert apply(company).requests == 0 and sheet.wrote() == wrote


@pytest.mark.parametrize("text", ["=1+1", '=IMPORTXML("http://x")', "+81312345678", "@SUM(A1)", "-2"])
def test_what_a_spreadsheet_would_run_stays_text(company: Company, sheet: SheetsDouble, text: str) -> None:
    company.have([lead("a", company_name=text)])
    assert apply(company).verified == 1
    assert sheet.by_key()["a"]["company_name"] == text


def test_what_people_add_sort_and_mend_survives(company: Company, sheet: SheetsDouble) -> None:
    company.have([lead("a"), lead("b"), lead("c")])
    apply(company)
    header, a, b, c = sheet.tabs["leads"]
    sheet.tabs["leads"] = [["memo", *header], ["called", *c], ["", *a], ["busy", *b]]  # a column, and sorted
    sheet.tabs["leads"][2][header.index("display_name") + 1] = "山田 太郎"
    company.have([lead(key, grade="A1", display_name="another") for key in ("a", "b", "c", "d")])
    run = apply(company)
    assert (run.status, run.acked, run.verified) == ("done", 4, 4)
    found = sheet.by_key()
    assert {line["grade"] for line in found.values()} == {"A1"}
    assert (found["c"]["memo"], found["b"]["memo"], found["a"]["display_name"]) == (
        "called",
        "busy",
        "山田 太郎",
    )
    assert len(sheet.lines()) == 4


def test_a_line_that_people_copied_is_named_and_not_guessed_at(company: Company, sheet: SheetsDouble) -> None:
    company.have([lead("a"), lead("b")])
    apply(company)
    sheet.tabs["leads"].append(list(sheet.tabs["leads"][1]))
    company.have([lead("a", grade="A1"), lead("b", grade="A1")])
    run = apply(company)
    assert (run.acked, run.rejected) == (1, 1)


def test_a_mirror_empties_our_cells_and_leaves_the_line_to_people(
    company: Company, sheet: SheetsDouble
) -> None:
    use(company, sheet.url, mode="mirror", guards={"shrink_pct": None})
    company.have([lead("a"), lead("b")])
    apply(company)
    sheet.tabs["leads"][0].append("memo")
    line = sheet.tabs["leads"][1]
    line += [""] * (len(sheet.tabs["leads"][0]) - 1 - len(line)) + ["their words"]
    company.have([lead("b")])
    assert apply(company).status == "done"
    assert set(sheet.by_key()) == {"b"} and sheet.lines()[0]["memo"] == "their words"
    check = look(company)
    assert (check.verified, check.missing, check.unexpected) == (1, 0, 0)


def test_a_tab_without_our_column_stops_before_the_first_write(company: Company, sheet: SheetsDouble) -> None:
    sheet.tabs["leads"] = [["key", "grade"]]
    company.have([lead("a")])
    run = apply(company)
    assert run.status == "stopped" and "has no column 'company_name'" in run.sentences[0]
    assert sheet.wrote() == 0


def test_a_first_line_that_could_not_be_written_is_written_by_the_next_apply(
    company: Company, sheet: SheetsDouble
) -> None:
    token = VendorError(200, {"access_token": "ya29.double", "expires_in": 3600})
    nothing = VendorError(200, {"range": "leads", "majorDimension": "ROWS"})
    sheet.planned = [token, nothing, VendorError(503, {"error": {"code": 503}})]
    company.have([lead("a")])
    run = apply(company)
    assert (run.status, run.acked, run.rejected) == ("partial", 0, 0) and sheet.lines() == []
    company.clock.time += 100
    assert apply(company).status == "done" and set(sheet.by_key()) == {"a"}


@pytest.mark.parametrize("twist", ["half", "empty", "twice"])
def test_an_answer_of_another_length_is_looked_up(company: Company, sheet: SheetsDouble, twist: str) -> None:
    company.have([lead(f"k{number}") for number in range(6)])
    sheet.twists = [twist]
    run = apply(company)
    assert (run.status, run.acked, run.unknown, len(sheet.lines())) == ("done", 6, 0, 6)


def test_too_many_a_minute_waits_whatever_its_status(company: Company, sheet: SheetsDouble) -> None:
    company.have([lead("a")])
    apply(company)
    company.have([lead("a", grade="A1")])
    reason = [{"reason": "rateLimitExceeded", "message": "Quota exceeded", "domain": "usageLimits"}]
    old_style = {"error": {"code": 403, "message": "Quota exceeded", "errors": reason}}
    token = VendorError(200, {"access_token": "ya29.double", "expires_in": 3600})
    sheet.planned = [token, VendorError(429, {"error": {"code": 429}}), VendorError(429, {"error": {}})]
    sheet.planned += [VendorError(403, old_style)]
    run = apply(company)
    assert (run.status, run.rejected) == ("done", 0) and len(company.clock.slept) >= 2


def test_a_key_file_that_is_none_and_one_that_google_refuses_are_named(
    company: Company, sheet: SheetsDouble
) -> None:
    company.have([lead("a")])
    path = Path(company.secrets["IKUSEI_GOOGLE_CREDENTIALS"])
    sheet.planned = [VendorError(400, {"error": "invalid_grant", "error_description": "account"})] * 3
    run = apply(company)
    assert run.status == "stopped" and "IKUSEI_GOOGLE_CREDENTIALS" in run.sentences[-1]
    path.write_text("{}", encoding="utf-8")
    run = apply(company)
    assert run.status == "not_configured" and "JSON key file of a service account" in run.sentences[0]


def test_nothing_of_a_person_stands_in_the_log_even_at_debug(
    company: Company, sheet: SheetsDouble, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    company.have([lead("a")])
    apply(company)
    assert "a@example.com" not in caplog.text and "山田" not in caplog.text and "ya29" not in caplog.text


def test_a_storm_with_one_writer_ends_without_a_double_although_only_a_look_guards_it(tmp_path: Path) -> None:
    double = SheetsDouble()
    with serving(double), proxy_before(double.port, "", 34) as proxy:
        company = Company(tmp_path)
        # Zombies are left out: a late write into a line is what class C cannot promise to survive.
        proxy.kinds = ("429", "500", "close", "done+close", "done+502", "late")
        options = {**QUICK, "rows_per_call": 10}
        use(company, proxy.url, double.url, options=options, guards=NO_GUARDS)
        path = company.syncs / f"{SYNC}.yml"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("  grade:\n", "  grade:\n    column: headline\n"), encoding="utf-8")
        proxy.late_seconds = 0.7

        def stored():
            return [(line["key"], line["grade"]) for line in double.lines() if line["key"]]

        made = VendorStorm(SYNC, company, proxy, stored, random.Random(34))
        run_vendor_storm(made, "storm34-", rows=40, waves=2, kills=0, share=0.15, poison=False)
    assert double.complaints == []


def test_a_late_write_after_a_sort_is_found_by_the_verify_pass(company: Company, sheet: SheetsDouble) -> None:
    use(company, sheet.url, options={"attempts_per_run": 1})
    company.have([lead("a", grade="C1"), lead("b", grade="C2")])
    apply(company)
    sheet.holds = 1
    company.have([lead("a", grade="B1"), lead("b", grade="C2")])
    assert apply(company).unknown == 1
    header, a, b = sheet.tabs["leads"]
    sheet.tabs["leads"] = [header, b, a]
    company.clock.time += 100
    assert apply(company).acked == 1
    sheet.release()  # it lands in the line where the other lead stands now
    assert sheet.by_key()["b"]["grade"] == "B1"
    assert look(company).different == 1
    assert apply(company).acked == 1 and sheet.by_key()["b"]["grade"] == "C2"
