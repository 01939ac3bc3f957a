"""Sending to a real Tryton on PostgreSQL: its own database judges that nothing is lost, doubled or stale."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from activation_crm import SYNC, UNITS, Storm, ask, judge, ledger_states, storm_over, tryton_or_skip
from activation_warehouse import Company, FastClock, lead
from fault_proxy import proxy_before

from ingestion.tryton_rpc import InDoubt, NotReached, Refused, Tryton, result_of
from orchestration.activation import plan, verify
from orchestration.activation.local_tryton import REP, LocalTryton

LONG = pytest.mark.skipif(not os.environ.get("IKUSEI_LONG_TESTS"), reason="long: make test-faults")


@pytest.fixture(scope="module")
def crm() -> Iterator[LocalTryton]:
    with tryton_or_skip() as running:
        yield running


@pytest.fixture
def company(tmp_path: Path, crm: LocalTryton) -> Company:
    made = Company(tmp_path, crm.secrets(), FastClock(time.time()))
    made.use_syncs()
    return made


def there(crm: LocalTryton, prefix: str) -> dict[str, dict[str, str]]:
    """external id -> row of the CRM's own table."""
    found = ask(crm, f"select * from sale_opportunity where external_id like '{prefix}%'")
    return {row["external_id"]: row for row in found}


def test_a_lead_arrives_once_with_its_person_and_a_second_apply_sends_nothing(
    company: Company, crm: LocalTryton
) -> None:
    company.have([lead("once1", approach_note="資料請求"), lead("once2", phone=None)])
    run = company.apply(SYNC)[SYNC]
    assert (run.status, run.acked, run.verified, run.destination_class) == ("done", 2, 2, "A")
    assert "exactly once" in run.guarantee
    rows = ask(
        crm,
        "select o.description, o.comment, p.name, c.type, c.value, a.party_name, u.code as unit "
        "from sale_opportunity o join party_party p on p.id = o.party "
        "join party_contact_mechanism c on c.party = p.id join party_address a on a.party = p.id "
        "join company_employee e on e.id = o.employee join party_party u on u.id = e.party "
        "where o.external_id = 'once1' order by c.type",
    )
    assert [(row["type"], row["value"]) for row in rows] == [
        ("email", "once1@example.com"),
        ("phone", "+81312345678"),
    ]
    assert {row["party_name"] for row in rows} == {"株式会社例"} and {row["name"] for row in rows} == {
        "山田太郎"
    }
    assert rows[0]["comment"] == "資料請求" and rows[0]["unit"] == "area-kanto"
    again = company.apply(SYNC)[SYNC]
    assert (again.status, again.requests, again.unchanged) == ("done", 0, 2)


def test_what_the_rep_owns_survives_every_sync_and_what_we_own_is_kept_up(
    company: Company, crm: LocalTryton
) -> None:
    company.have([lead("rep1", approach_note="first words")])
    company.apply(SYNC)
    rep = crm.client(REP)
    record = rep.call(
        "model.sale.opportunity.search_read", [["external_id", "=", "rep1"]], 0, 1, None, ["party"]
    )[0]
    edits = {"amount": 1200000, "comment": "met her, budget in May", "conversion_probability": 0.8}
    rep.call("model.sale.opportunity.write", [record["id"]], edits)
    rep.call("model.party.party.write", [record["party"]], {"name": "山田 太郎 (本人)"})
    for grade in ("A1", "A2"):
        company.have(
            [lead("rep1", headline=grade, approach_note=f"newer words {grade}", phone="+81399999999")]
        )
        assert company.apply(SYNC)[SYNC].acked == 1
    row = there(crm, "rep1")["rep1"]
    assert (row["description"], row["amount"], row["comment"]) == ("A2", "1200000", "met her, budget in May")
    assert row["conversion_probability"] == "0.8"
    assert ask(crm, "select name from party_party where code = 'rep1'") == [{"name": "山田 太郎 (本人)"}]
    assert len(ask(crm, "select 1 from party_contact_mechanism c join party_party p on p.id = c.party "
                        "where p.code = 'rep1' and c.type = 'phone'")) == 1  # fmt: skip


def test_an_opt_out_between_plan_and_apply_is_obeyed(company: Company, crm: LocalTryton) -> None:
    rows = [lead("out1"), lead("out2")]
    company.have(rows)
    digest = plan(company.warehouse, company.ledger, company.syncs, only=SYNC)[0].digest
    company.have(rows, denied=["p-out2"])
    run = company.apply(SYNC, digest=digest)[SYNC]
    assert (run.acked, run.withheld) == (1, 1)
    assert set(there(crm, "out")) == {"out1"}
    assert ask(crm, "select 1 from party_party where code = 'out2'") == []


@pytest.mark.parametrize("mode", ["insert", "update_only", "upsert", "mirror", "archive"])
def test_each_mode_does_what_it_says(company: Company, crm: LocalTryton, mode: str) -> None:
    old, new, gone = f"{mode}-old", f"{mode}-new", f"{mode}-gone"
    ids = crm.client(REP).call(
        "model.sale.opportunity.create", [{"external_id": old, "description": "the rep's own"}]
    )
    company.use_syncs(tryton={"mode": mode, "guards": {"shrink_pct": None}})
    company.have([lead(key, headline="first") for key in (old, new, gone)])
    first = company.apply(SYNC)[SYNC]
    company.have([lead(key, headline="second") for key in (old, new)])
    company.apply(SYNC)
    found = {key: (row["description"], row["state"]) for key, row in there(crm, f"{mode}-").items()}
    expected = {
        "insert": {old: ("the rep's own", "lead"), new: ("first", "lead"), gone: ("first", "lead")},
        "update_only": {old: ("second", "lead")},
        "upsert": {old: ("second", "lead"), new: ("second", "lead"), gone: ("first", "lead")},
        "mirror": {old: ("second", "lead"), new: ("second", "lead")},
        "archive": {old: ("second", "lead"), new: ("second", "lead"), gone: ("first", "cancelled")},
    }
    assert found == expected[mode]
    assert first.rejected == 0 and len(ids) == 1
    if mode != "insert":
        assert there(crm, old)[old]["party"], "what was there before gets its person too"
    if mode == "archive":  # who comes back is opened again
        company.have([lead(key, headline="third") for key in (old, new, gone)])
        company.apply(SYNC)
        row = there(crm, gone)[gone]
        assert (row["description"], row["state"]) == ("third", "lead")


def test_a_record_that_people_closed_or_deleted_is_left_to_them(company: Company, crm: LocalTryton) -> None:
    company.have([lead("left1"), lead("left2")])
    company.apply(SYNC)
    rep, rows = crm.client(REP), there(crm, "left")
    ids = [int(rows[key]["id"]) for key in ("left1", "left2")]
    rep.call("model.sale.opportunity.cancel", ids)
    rep.call("model.sale.opportunity.delete", ids[1:])
    company.have([lead("left1", headline="new"), lead("left2", headline="new")])
    for _ in range(2):
        run = company.apply(SYNC)[SYNC]
        assert run.status == "done" and run.rejected == 0
    rows = there(crm, "left")
    assert set(rows) == {"left1"} and rows["left1"]["description"] != "new"
    assert ledger_states(company)["left2"] == "held"
    check = verify(
        company.warehouse,
        company.ledger,
        company.syncs,
        only=SYNC,
        out_dir=company.out_dir,
        secrets=company.secrets,
    )[0]
    assert (check.missing, check.different) == (0, 0)


def test_one_poison_row_among_many_is_found_by_halves_and_the_rest_is_delivered(
    company: Company, crm: LocalTryton
) -> None:
    chance = {"column": "total_score", "ownership": "overwrite", "why": "A rule of the server's to break"}
    company.use_syncs(tryton={"fields": {"conversion_probability": chance}})
    company.have([lead(f"poi{n:02}", total_score="9" if n == 41 else "0.5") for n in range(64)])
    run = company.apply(SYNC)[SYNC]
    assert (run.acked, run.rejected) == (63, 1) and len(there(crm, "poi")) == 63
    assert ledger_states(company)["poi41"] == "rejected"
    with_reason = ask_ledger(company, "select error_code, error_text from activation_row where key = 'poi41'")
    assert with_reason[0][0] == "UserError" and "Conversion Probability" in with_reason[0][1]
    calls = ask_ledger(company, "select count(*) from (select distinct started_at from activation_attempt)")
    assert calls[0][0] <= 1 + 2 * 6, "at most two more calls for each halving of 64"


def ask_ledger(company: Company, statement: str) -> list[tuple]:
    from orchestration.activation.ledger import Ledger

    with Ledger.open(company.ledger) as ledger:
        return ledger.query(statement)


def test_a_unit_that_tryton_does_not_know_is_named_and_the_others_go(
    company: Company, crm: LocalTryton
) -> None:
    company.have([lead("unit1"), lead("unit2", owner_unit_id="area-nowhere")])
    run = company.apply(SYNC)[SYNC]
    assert (run.acked, run.rejected) == (1, 1) and set(there(crm, "unit")) == {"unit1"}


def test_a_field_that_is_not_there_stops_before_the_first_write(company: Company, crm: LocalTryton) -> None:
    wrong = {"column": "grade", "ownership": "overwrite", "why": "It was removed over there"}
    company.use_syncs(tryton={"fields": {"lead_grade": wrong}})
    company.have([lead("schema1")])
    run = company.apply(SYNC)[SYNC]
    assert run.status == "stopped" and "lead_grade" in run.sentences[0] and there(crm, "schema") == {}


def test_a_wrong_password_stops_and_names_the_variable(company: Company, crm: LocalTryton) -> None:
    company.secrets["IKUSEI_TRYTON_PASSWORD"] = "wrong"
    company.have([lead("pass1"), lead("pass2")])
    run = company.apply(SYNC)[SYNC]
    assert run.status == "stopped" and "IKUSEI_TRYTON_PASSWORD" in run.sentences[-1]
    assert set(ledger_states(company).values()) == {"retry_wait"}


def test_a_merged_party_is_followed(company: Company, crm: LocalTryton) -> None:
    company.have([lead("merge1"), lead("merge2")])
    company.apply(SYNC)
    ask(crm, "update party_party set active = false, replaced_by = (select id from party_party where "
             "code = 'merge1') where code = 'merge2'; update sale_opportunity set party = (select id from "
             "party_party where code = 'merge1') where external_id = 'merge2'")  # fmt: skip
    company.have([lead("merge1"), lead("merge2", headline="after", party_name="X")])
    assert company.apply(SYNC)[SYNC].acked == 1
    assert there(crm, "merge2")["merge2"]["description"] == "after"


def test_a_person_with_a_new_id_stays_the_one_record_that_was_sent(
    company: Company, crm: LocalTryton
) -> None:
    company.have([lead("idold", headline="one"), lead("idother")])
    company.apply(SYNC)
    company.have([lead("idnew", headline="two"), lead("idother")], merged={"idold": "idnew"})
    run = company.apply(SYNC)[SYNC]
    assert (run.acked, run.unchanged) == (1, 1)
    found = there(crm, "id")
    assert set(found) == {"idold", "idother"} and found["idold"]["description"] == "two"
    # The other one turns out to be the same person: nothing new is made, hers stays where it is.
    company.have([lead("idnew", headline="two")], merged={"idold": "idnew", "idother": "idnew"})
    assert company.apply(SYNC)[SYNC].requests == 0 and len(there(crm, "id")) == 2


def test_both_styles_of_error_are_told_apart_on_the_real_server(crm: LocalTryton) -> None:
    client = crm.client(REP)
    with pytest.raises(Refused) as unknown_field:  # JSON-RPC: status 200, the error in the body
        client.call("model.sale.opportunity.create", [{"no_such_field": 1}])
    assert (unknown_field.value.status, unknown_field.value.kind) == (200, "exception")
    admin = crm.client("admin")
    (user,) = admin.call("model.res.user.search", [["login", "=", REP]], 0, None, None)
    admin.call("model.res.user.application.create", [{"user": user, "application": "rest", "key": "k" * 32}])
    url = f"{crm.url}/rest/model/sale.opportunity"
    headers = {"authorization": "Bearer " + "k" * 32}
    with pytest.raises(InDoubt) as as_500:  # REST: a permanent fault dressed as a transient one
        result_of(httpx.post(url, json={"no_such_field": 1}, headers=headers))
    assert as_500.value.status == 500
    with pytest.raises(Refused) as as_400:
        result_of(httpx.post(url, json={"conversion_probability": 9}, headers=headers))
    assert as_400.value.status == 400


@pytest.mark.parametrize("number", [1, 2])
def test_a_login_that_breaks_half_way_is_no_login(crm: LocalTryton, number: int) -> None:
    with proxy_before(crm.port, "/crm", seed=1) as proxy:
        proxy.planned = {number: "500"}
        client = Tryton(proxy.url, REP, crm.secrets()["IKUSEI_TRYTON_PASSWORD"])
        units = ["model.company.employee.search_read", [], 0, None, None, ["party.code"]]
        with pytest.raises(NotReached):
            client.call(*units)
        assert len(client.call(*units)) == len(UNITS), "without its company a user sees no employees"


def storm_verdict(storm: Storm, expected: dict[str, str], run_status: str) -> None:
    """Prints what was done to the sender, and holds the CRM's own database to what it should have."""
    faults = sum(storm.proxy.done.values())
    verdict = judge(storm.crm, storm.prefix, expected)
    counts = dict(sorted(storm.proxy.done.items()))
    print(
        f"{len(expected):,} rows, {storm.proxy.requests:,} requests, {faults} faults {counts}, "
        f"{storm.kills} kills, {storm.runs} runs: {verdict}"
    )
    assert str(verdict) == "lost 0, doubled 0, stale 0, unexpected 0"
    states = ledger_states(storm.company)
    assert run_status == "done"
    assert {key for key, state in states.items() if state == "rejected"} == storm.poison
    assert {key for key, state in states.items() if state in ("acked", "verified")} == set(expected)


def run_storm(
    crm: LocalTryton, root: Path, *, rows: int, waves: int, kills: int, seed: int, size: int, share: float
) -> Storm:
    prefix = f"storm{seed}-"
    with storm_over(crm, root, prefix, seed, rows_per_call=size) as storm:
        keys = [f"{prefix}{number:05}" for number in range(rows)]
        storm.poison = set(keys[7::100])
        storm.kill_within = 14 if size <= 50 else 5
        said = {key: "first" for key in keys}
        run = storm.wave(said, kills=kills, share=share)
        for wave in range(1, waves):
            for key in storm.rng.sample(keys, rows // 2):
                said[key] = f"wave {wave}" + "x" * storm.rng.randint(0, 1)
            run = storm.wave(said, kills=kills, share=share)
        expected = {key: text for key, text in said.items() if key not in storm.poison}
        storm_verdict(storm, expected, run.status)
        return storm


def test_four_hundred_rows_through_a_storm_arrive_exactly_once(crm: LocalTryton, tmp_path: Path) -> None:
    storm = run_storm(crm, tmp_path, rows=400, waves=2, kills=3, seed=11, size=25, share=0.15)
    assert storm.kills >= 5 and sum(storm.proxy.done.values()) >= 20


@pytest.mark.parametrize("moment", [pytest.param("before", marks=LONG), "after"])
def test_a_server_that_is_killed_while_it_works_has_every_row_once_in_the_end(
    crm: LocalTryton, tmp_path: Path, moment: str
) -> None:
    prefix = f"dead-{moment}-"
    with storm_over(crm, tmp_path, prefix, seed=5, rows_per_call=10) as storm:
        said = {f"{prefix}{number}": "first" for number in range(60)}
        deaths, one_at_a_time = [], threading.Lock()

        def kill(number: int, at: str) -> None:
            if at == moment and number in (9, 14, 19):
                with one_at_a_time:
                    deaths.append(number)
                    crm.kill()
                    crm.start()

        storm.proxy.on_request = kill
        run = storm.wave(said, kills=0, share=0)
        assert len(deaths) >= 2
        storm_verdict(storm, said, run.status)


@LONG
@pytest.mark.parametrize(
    ("seed", "rows", "size"), [(21, 1000, 25), (22, 1000, 50), (23, 300, 5), (24, 800, 100)]
)
def test_three_thousand_rows_five_hundred_faults_and_fifty_kills(
    crm: LocalTryton, tmp_path: Path, seed: int, rows: int, size: int
) -> None:
    storm = run_storm(crm, tmp_path, rows=rows, waves=3, kills=5, seed=seed, size=size, share=0.2)
    assert storm.kills >= 13 and sum(storm.proxy.done.values()) >= 30
