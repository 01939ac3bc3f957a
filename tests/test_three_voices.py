"""The three voices, end to end on a real Tryton: the marketer told both, and both waited for the other.

A company that has bought asks about a product; nobody of ours knows the department. The old way both reps are
told and each waits. Here one unit is accountable and may act at once; when it stays silent the clock of
business hours hands the lead to the unit that stands in, and the CRM's own database shows it.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest
from activation_crm import ask
from landed_files import land

from orchestration import activate
from orchestration.activation.local_tryton import LocalTryton, NoTryton, missing_programs, running_tryton
from orchestration.handoff_check import FOLDER, check_handoffs
from orchestration.home import Home, Settings
from orchestration.run import run

LONG = pytest.mark.skipif(
    not os.environ.get("IKUSEI_LONG_TESTS"), reason="long: four whole runs and a Tryton"
)
SYNC = "tryton_routed_leads"
ASKED_AT = "2026-05-01T17:00:00+09:00"  # the Friday before golden week
DOMAIN = "futaba-foods.example.jp"


def units() -> list[str]:
    with (FOLDER / "sales_units.csv").open(encoding="utf-8", newline="") as file:
        return [row["unit_id"] for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def crm() -> Iterator[LocalTryton]:
    try:
        if missing := missing_programs():
            raise NoTryton(missing)
        with running_tryton(units()) as running:
            yield running
    except NoTryton as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no Tryton here: {error}")


@pytest.fixture
def home(tmp_path: Path, crm: LocalTryton, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The story's files: a first order of the company last year, and today's question of a stranger there."""
    for name, value in crm.secrets().items():
        monkeypatch.setenv(name, value)
    company = {"company": "双葉食品株式会社", "industry": "小売業", "prefecture": "東京都"}
    buyer = {"lead_id": "L1", "name": "山本 進", "email": f"yamamoto@{DOMAIN}", "status": "won"}
    land(tmp_path, "crm/old/leads.csv", table([{**buyer, **company, "updated_at": "2025-04-01T10:00:00+09:00",
                                              "created_at": "2025-04-01T10:00:00+09:00"}]))  # fmt: skip
    order = {"order_id": "R1", "lead_id": "L1", "product_id": "erp", "amount_jpy": "3000000"}
    land(tmp_path, "crm/old/orders.csv", table([{**order, "ordered_at": "2025-04-10T10:00:00+09:00"}]))
    question = {
        "submission_id": "s1", "submitted_at": ASKED_AT, "form_kind": "inquiry", "form_id": "contact",
        "visitor_id": "v-hayashi", "consent": True, "consent_wording": "v1", "product_id": "crm",
        "name": "林 里香", "email": f"hayashi@{DOMAIN}", "department": "営業企画部", "phone": "03-9876-5432",
        **company,
    }  # fmt: skip
    land(tmp_path, "forms/site/forms.jsonl", json.dumps(question, ensure_ascii=False) + "\n")
    return Home(tmp_path)


def table(rows: list[dict[str, str]]) -> str:
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    return "\n".join(lines) + "\n"


def evening(home: Home, day: date) -> dict[str, str]:
    """The day's run and sync; the hand-over as the warehouse has it then."""
    run(home, Settings(), as_of=day.isoformat(), say=lambda line: None)
    (sent,) = activate.apply(home, only=SYNC)
    assert sent.status == "done" and sent.rejected == 0, sent
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        found = connection.execute(
            "select state, owner_unit_id, informed_unit_ids, accountable_unit_id, may_act_from, escalated_at "
            "from routing.fct_handoffs inner join identity.dim_people using (person_id) "
            "where email like 'hayashi@%'"
        )
        names = [column[0] for column in found.description]
        (row,) = found.fetchall()
    return dict(zip(names, row, strict=True))


def owner_in_tryton(crm: LocalTryton) -> tuple[str, str]:
    """The code of the unit that Tryton's own database names, and what the rep reads there."""
    (row,) = ask(
        crm,
        "select u.code, o.comment from sale_opportunity o join party_party p on p.id = o.party "
        "join company_employee e on e.id = o.employee join party_party u on u.id = e.party "
        "join party_contact_mechanism c on c.party = p.id "
        f"where c.type = 'email' and c.value = 'hayashi@{DOMAIN}'",
    )
    return row["code"], row["comment"]


@LONG
def test_both_reps_are_silent_and_the_lead_moves_within_the_deadlines(home: Home, crm: LocalTryton) -> None:
    bound = check_handoffs().hours_to_end_of_silence
    first = evening(home, date(2026, 5, 1))
    # No relation with this department: the product sales act, the account team is informed (RT12).
    assert (first["state"], first["owner_unit_id"]) == ("routed", "prod-crm")
    assert "acct-retail" in first["informed_unit_ids"].split(",")
    owner, note = owner_in_tryton(crm)
    assert (
        owner == "prod-crm" and "異議がなければ同意とみなし" in note
    )  # the permission is written there (RT13)
    asked = datetime.fromisoformat(ASKED_AT).astimezone(ZoneInfo("UTC")).replace(tzinfo=None)
    assert first["may_act_from"] == asked + timedelta(
        days=6, hours=-7
    )  # 10:00 of 7 May: one hour of each day
    holidays = evening(home, date(2026, 5, 6))
    assert holidays["state"] == "routed", "nobody is overdue while the offices are closed"
    later = evening(home, date(2026, 5, 7))
    assert (later["state"], later["accountable_unit_id"]) == ("escalated", "inside-sales")
    assert owner_in_tryton(crm)[0] == "inside-sales"
    waited = 1 + 8  # working hours of 1 May from 17:00, and of 7 May until 17:00
    assert later["escalated_at"] == asked + timedelta(days=6) and waited <= bound
