"""Sending over a real HTTP connection: each fault of a network, and what the receiver holds after it."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from activation_receiver import Receiver, receiver_running
from activation_warehouse import Company, FastClock, lead

from ingestion.http_answers import retry_after_seconds
from orchestration.activation import (
    ConfigurationError,
    DigestRefused,
    LeaseHeld,
    LedgerError,
    combined_digest,
    plan,
    publish_ledger,
    status,
    verify,
)
from orchestration.activation.destinations import NotConfigured
from orchestration.activation.destinations.webhook import checked_url
from orchestration.activation.ledger import Ledger

WEBHOOK = "webhook_routed_leads"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiver_running() as running:
        yield running


@pytest.fixture
def company(tmp_path: Path, receiver: Receiver) -> Company:
    made = Company(tmp_path, clock=FastClock(time.time()))
    made.use_syncs()
    made.receive_at(receiver.url)
    return made


def row_states(company: Company, sync: str = WEBHOOK) -> dict[str, str]:
    with Ledger.open(company.ledger) as ledger:
        return {key: row.state for key, row in ledger.rows(sync).items()}


def plan_webhook(company: Company):
    return plan(company.warehouse, company.ledger, company.syncs, only=WEBHOOK, as_of="2026-05-01")[0]


def test_second_apply_sends_nothing(company: Company, receiver: Receiver) -> None:
    company.have([lead("a"), lead("b"), lead("c")])
    first = company.send()
    assert (first.status, first.acked, first.requests) == ("done", 3, 3)
    assert set(receiver.state) == {"a", "b", "c"} and receiver.bad_signatures == 0
    receiver.clear()
    second = company.send()
    assert (second.status, second.acked, second.requests, second.unchanged) == ("done", 0, 0, 3)
    assert receiver.bodies == []


def test_rows_share_one_connection(company: Company, receiver: Receiver) -> None:
    company.have([lead(f"k{number}") for number in range(20)])
    company.send()
    assert receiver.connections == 1


def test_changed_row_sends_one_update_and_names_the_field_in_the_plan(
    company: Company, receiver: Receiver
) -> None:
    company.have([lead("a"), lead("b")])
    company.send()
    receiver.clear()
    company.have([lead("a"), lead("b", grade="A1")])
    made = plan_webhook(company)
    assert (made.creates, made.updates, made.unchanged) == (0, 1, 1)
    assert made.sample[0]["fields"] == ["grade"]
    assert company.send().requests == 1
    assert receiver.state["b"]["grade"] == "A1" and receiver.bodies[0]["data"]["version"] == 2


def test_a_field_owned_by_the_other_side_never_leaves_and_never_sends(
    company: Company, receiver: Receiver
) -> None:
    company.have([lead("a")])
    company.send()
    said = receiver.bodies[0]["data"]
    assert "total_score" not in said["fields"] and "total_score" not in said["fill"]
    company.have([lead("a", total_score="99")])
    assert company.send().requests == 0


def test_a_first_value_is_given_once_and_not_fought_over(company: Company, receiver: Receiver) -> None:
    company.have([lead("a", phone=None)])
    company.send()
    assert "phone" not in receiver.bodies[0]["data"]["fill"]
    company.have([lead("a")])
    company.send()
    assert receiver.bodies[1]["data"]["fill"]["phone"] == "+81312345678"
    company.have([lead("a", phone="+81399999999")])
    assert company.send().requests == 0


@pytest.mark.parametrize("fault", ["store+close", "store+500", "store+502", "close", "500"])
def test_a_row_in_doubt_is_sent_again_under_the_same_id_and_stored_once(
    company: Company, receiver: Receiver, fault: str
) -> None:
    receiver.faults = [fault]
    company.have([lead("a"), lead("b")])
    run = company.send()
    assert (run.status, run.acked, run.requests) == ("done", 2, 3)
    assert receiver.ids.count(receiver.ids[0]) == 2, "the resend carries the id of the first attempt"
    assert len(receiver.raw[receiver.ids[0]]) == 1, "and the same bytes"
    assert sorted(receiver.stored) == ["a", "b"]


def test_an_answer_that_comes_too_late_leaves_doubt_and_no_double(
    company: Company, receiver: Receiver
) -> None:
    company.use_syncs(webhook={"options": {"timeout_seconds": 0.15}})
    receiver.faults, receiver.slow_seconds = ["store+slow"], 0.4
    company.have([lead("a")])
    run = company.send()
    assert run.requests == 2 and run.unknown == 0 and receiver.stored == ["a"]


def test_doubt_is_a_state_of_its_own_until_it_is_settled(company: Company, receiver: Receiver) -> None:
    receiver.faults = ["store+close"] * 4
    company.have([lead("a")])
    run = company.send()
    assert (run.status, run.unknown, row_states(company)) == ("partial", 1, {"a": "unknown"})
    assert plan_webhook(company).resends == 1
    company.clock.time += 120
    assert company.send().status == "done" and receiver.stored == ["a"]


def test_a_change_taken_back_while_in_doubt_is_still_sent(company: Company, receiver: Receiver) -> None:
    company.have([lead("a", grade="A1")])
    company.send()
    receiver.faults = ["store+close"] * 4
    company.have([lead("a", grade="B1")])
    company.send()
    assert receiver.state["a"]["grade"] == "B1", "stored, though nobody told us"
    company.have([lead("a", grade="A1")])
    company.clock.time += 120
    company.send()
    assert receiver.state["a"]["grade"] == "A1"


def test_a_change_taken_back_before_it_left_is_not_sent(company: Company, receiver: Receiver) -> None:
    company.have([lead("a", grade="A1")])
    company.send()
    receiver.faults = ["429:3600"]
    company.have([lead("a", grade="B1")])
    assert company.send().waiting == 1
    company.have([lead("a", grade="A1")])
    receiver.clear()
    run = company.send()
    assert (run.status, run.requests, run.waiting) == ("done", 0, 0)


def test_too_many_requests_waits_as_told_and_then_delivers(company: Company, receiver: Receiver) -> None:
    receiver.faults = ["ok", "429:30"]
    company.have([lead(key) for key in "abc"])
    run = company.send()
    assert (run.status, run.acked, run.requests) == ("done", 3, 4)
    assert sum(company.clock.slept) >= 30


def test_retry_after_zero_still_waits_our_own_floor(company: Company, receiver: Receiver) -> None:
    receiver.faults = ["429:0", "429:0"]
    company.have([lead("a")])
    run = company.send()
    assert run.acked == 1 and sum(company.clock.slept) >= 3, "one second, then two: no busy loop"


def test_a_wait_longer_than_our_patience_leaves_the_rows_for_later(
    company: Company, receiver: Receiver
) -> None:
    receiver.faults = ["ok", "429:3600"]
    company.have([lead(key) for key in "abcd"])
    run = company.send()
    assert (run.status, run.acked, run.waiting, run.requests) == ("partial", 1, 3, 2)
    assert company.send().requests == 0, "still too early"
    company.clock.time += 3700
    assert company.send().status == "done" and set(receiver.state) == set("abcd")


def test_a_token_bucket_spaces_the_requests(company: Company, receiver: Receiver) -> None:
    company.use_syncs(webhook={"options": {"requests_per_second": 2}})
    company.have([lead(f"k{number}") for number in range(9)])
    run = company.send()
    assert (run.status, run.acked) == ("done", 9)
    assert sum(company.clock.slept) == pytest.approx(8 / 2, abs=0.2)


def test_a_daily_quota_leaves_the_rest_for_tomorrow_and_counts_across_runs(
    company: Company, receiver: Receiver
) -> None:
    class TickingClock(FastClock):
        """Calls of one run are told apart by when they began, so this clock moves."""

        def now(self) -> float:
            self.time += 0.001
            return self.time

    company.clock = TickingClock(1_800_000_000.0 - 1_800_000_000.0 % 86400 + 3600)
    company.use_syncs(webhook={"options": {"requests_per_day": 4}})
    company.have([lead(f"k{number}") for number in range(6)])
    first, second = company.send(), company.send()
    assert (first.status, first.acked, first.waiting, second.requests) == ("partial", 4, 2, 0)
    assert "requests_per_day" in second.sentences[-1]
    company.clock.time += 86400
    assert company.send().acked == 2 and sorted(receiver.stored) == [f"k{number}" for number in range(6)]


def test_poison_row_is_rejected_and_the_rest_is_delivered(company: Company, receiver: Receiver) -> None:
    receiver.poison = {"k7"}
    company.have([lead(f"k{number}") for number in range(20)])
    run = company.send()
    assert (run.status, run.acked, run.rejected, run.requests) == ("done", 19, 1, 20)
    with Ledger.open(company.ledger) as ledger:
        poisoned = ledger.rows(WEBHOOK)["k7"]
    assert (poisoned.error_class, poisoned.error_code) == ("rejected", "422")
    assert "<email>" in poisoned.error_text and "example.com" not in poisoned.error_text
    assert company.send().requests == 0, "a rejected row waits for a change"
    receiver.poison = set()
    company.have([lead(f"k{number}", grade="A1" if number == 7 else "B2") for number in range(20)])
    run = company.send()
    assert (run.acked, run.requests, run.rejected) == (1, 1, 0)


def test_a_changed_configuration_lets_rejected_rows_try_again(company: Company, receiver: Receiver) -> None:
    receiver.poison = {"a"}
    company.have([lead("a")])
    company.send()
    receiver.poison = set()
    company.use_syncs(webhook={"options": {"timeout_seconds": 9}})
    assert company.send().acked == 1


def test_an_opt_out_between_plan_and_apply_is_obeyed(company: Company, receiver: Receiver) -> None:
    company.have([lead("a"), lead("b"), lead("c")])
    made = plan_webhook(company)
    company.have([lead("a"), lead("b", is_suppressed=True), lead("c")], denied=["p-c"])
    run = company.send(digest=made.digest)
    assert set(receiver.state) == {"a"} and run.withheld == 2
    assert row_states(company) == {"a": "acked", "b": "held", "c": "held"}


def test_an_opt_out_while_sending_is_obeyed(company: Company, receiver: Receiver) -> None:
    company.have([lead(f"k{number}") for number in range(6)])

    def opt_out(number: int, moment: str) -> None:
        if (number, moment) == (2, "stored"):
            company.have([lead(f"k{number}") for number in range(6)], denied=["p-k4"])
            company.clock.time += 60

    receiver.on_request = opt_out
    run = company.send()
    assert "k4" not in receiver.stored and len(receiver.stored) == 5 and run.withheld == 1


@pytest.mark.parametrize("said", [{"is_suppressed": None}, {"consent_status": "denied"}])
def test_doubtful_suppression_counts_as_suppression(company: Company, receiver: Receiver, said: dict) -> None:
    company.have([lead("a", **said)])
    assert plan_webhook(company).withheld == 1
    assert company.send().requests == 0


def test_a_digest_of_another_plan_is_refused(company: Company, receiver: Receiver) -> None:
    company.have([lead("a")])
    made = plan_webhook(company)
    company.have([lead("a", grade="A1"), lead("b")])
    with pytest.raises(DigestRefused, match=r"1 rows came in since, 1 rows changed since.*plan anew"):
        company.send(digest=made.digest)
    with pytest.raises(DigestRefused, match="never planned"):
        company.send(digest="0123456789abcdef")
    assert receiver.bodies == []


def test_a_digest_of_all_plans_or_of_one_applies_that_much(company: Company, receiver: Receiver) -> None:
    company.have([lead("a")])
    made = {found.sync: found for found in plan(company.warehouse, company.ledger, company.syncs, as_of="")}
    assert set(company.apply(digest=made["files_routed_leads"].digest)) == {"files_routed_leads"}
    assert receiver.bodies == []
    runs = company.apply(digest=combined_digest(list(made.values())))
    assert (runs[WEBHOOK].acked, runs["files_routed_leads"].requests) == (1, 0)
    again = company.apply(digest=combined_digest(list(made.values())))
    assert again[WEBHOOK].requests == 0, "what was sent since the plan is no difference"


def test_double_and_null_keys_stop_the_plan_and_are_named(company: Company, receiver: Receiver) -> None:
    company.have([lead("a"), lead("dup"), lead("dup"), lead("x") | {"sync_key": None}])
    made = plan_webhook(company)
    assert "the key dup more than once" in made.stop and "1 rows without a key" in made.stop
    run = company.send()
    assert run.status == "stopped" and "dup" in run.sentences[0] and receiver.bodies == []


def test_an_empty_model_is_held_until_the_file_allows_it(company: Company, receiver: Receiver) -> None:
    company.use_syncs(webhook={"mode": "mirror"})
    company.have([lead("a"), lead("b")])
    company.send()
    company.have([])
    made = plan_webhook(company)
    assert made.held == 2 and "empty_model: allow" in made.problems[0]
    assert company.send().status == "held" and set(receiver.state) == {"a", "b"}
    company.use_syncs(webhook={"mode": "mirror", "guards": {"empty_model": "allow"}})
    assert company.send().status == "done" and receiver.state == {}


@pytest.mark.parametrize(("count", "guard"), [(10, "shrink_pct"), (200, "growth_pct")])
def test_a_great_swing_is_held(company: Company, receiver: Receiver, count: int, guard: str) -> None:
    company.have([lead(f"k{number:03}") for number in range(30)])
    company.send()
    receiver.clear()
    company.have([lead(f"k{number:03}", grade="A1") for number in range(count)])
    assert guard in plan_webhook(company).problems[0]
    assert company.send().status == "held" and receiver.bodies == []
    company.use_syncs(webhook={"guards": {guard: None}})
    assert company.send().status == "done"


def test_more_creates_than_agreed_are_held(company: Company, receiver: Receiver) -> None:
    company.use_syncs(webhook={"guards": {"most_creates": 2}})
    company.have([lead(key) for key in "abc"])
    assert company.send().status == "held" and receiver.bodies == []


def test_a_mirror_takes_back_rows_with_their_key_alone(company: Company, receiver: Receiver) -> None:
    company.use_syncs(webhook={"mode": "mirror"})
    company.have([lead(key) for key in "abc"])
    company.send()
    company.have([lead("a"), lead("b")], denied=["p-b"])
    receiver.clear()
    run = company.send()
    assert set(receiver.state) == {"a"} and run.withheld == 1
    assert [set(body["data"]) for body in receiver.bodies] == [{"key", "version"}] * 2
    company.have([lead(key) for key in "abc"])
    company.send()
    assert set(receiver.state) == set("abc"), "and gives them again when they come back"


def test_the_breaker_stops_a_dead_destination_and_the_other_finishes(
    company: Company, receiver: Receiver
) -> None:
    receiver.faults = ["500"] * 100
    company.have([lead(f"k{number}") for number in range(30)])
    runs = company.apply()
    assert runs[WEBHOOK].status == "stopped" and runs[WEBHOOK].requests == 5
    assert "5 failures in a row" in runs[WEBHOOK].sentences[0]
    assert runs["files_routed_leads"].status == "done" and runs["files_routed_leads"].acked == 30


def test_nobody_listening_leaves_no_doubt(company: Company, receiver: Receiver) -> None:
    company.receive_at("http://127.0.0.1:9/leads")
    company.have([lead("a")])
    run = company.send()
    assert (run.status, run.unknown, run.waiting) == ("partial", 0, 1) and row_states(company) == {
        "a": "retry_wait"
    }


def test_a_wrong_secret_stops_at_the_first_row(company: Company, receiver: Receiver) -> None:
    company.secrets["IKUSEI_WEBHOOK_SECRET"] = "whsec_AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHH"
    company.have([lead("a"), lead("b")])
    run = company.send()
    assert (run.status, run.requests, run.waiting) == (
        "stopped",
        1,
        2,
    ) and "IKUSEI_WEBHOOK_SECRET" in run.sentences[0]


def test_a_missing_variable_is_named_and_the_other_sync_goes_on(company: Company) -> None:
    company.secrets.clear()
    company.have([lead("a")])
    runs = company.apply()
    assert runs[WEBHOOK].status == "not_configured" and "IKUSEI_WEBHOOK_URL" in runs[WEBHOOK].sentences[0]
    assert runs["files_routed_leads"].status == "done"


def test_personal_data_goes_to_https_or_loopback_only() -> None:
    for address in ("http://sales.example.com/in", "ftp://127.0.0.1/", "nonsense"):
        with pytest.raises(NotConfigured, match="THE_URL"):
            checked_url(address, "THE_URL")
    for address in (
        "https://sales.example.com/in",
        "http://127.0.0.1:1/",
        "http://[::1]:1/",
        "http://localhost/",
    ):
        assert checked_url(address, "THE_URL") == address


def test_retry_after_reads_seconds_and_dates() -> None:
    from datetime import UTC, datetime

    now = datetime(2026, 5, 1, 0, 0, 0, tzinfo=UTC)
    assert retry_after_seconds("57", now) == 57
    assert retry_after_seconds("Fri, 01 May 2026 00:01:00 GMT", now) == 60
    assert retry_after_seconds("soon", now) is None and retry_after_seconds(None, now) is None


def test_a_second_apply_at_the_same_time_says_who_is_sending(company: Company, receiver: Receiver) -> None:
    company.have([lead("a"), lead("b")])
    seen: list[str] = []

    def try_too(number: int, moment: str) -> None:
        if moment == "before" and not seen:
            with pytest.raises(LeaseHeld) as refused:
                company.send()
            seen.append(str(refused.value))

    receiver.on_request = try_too
    assert company.send().acked == 2
    assert "is being sent by another process" in seen[0] and len(receiver.bodies) == 2


def test_a_sender_that_lost_its_lease_can_no_longer_write(company: Company) -> None:
    with Ledger.open(company.ledger) as ledger:
        old = ledger.take_lease(WEBHOOK, now=1000.0)
        new = ledger.take_lease(WEBHOOK, now=2000.0)
        assert new.token == old.token + 1
        with pytest.raises(Exception, match="another process took over"):
            ledger.renew(old, now=2001.0)
        ledger.renew(new, now=2001.0)


def test_no_personal_data_in_logs_progress_reports_or_ledger(
    company: Company, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.poison, receiver.faults = {"b"}, ["store+close"]
    company.have([lead("a"), lead("b"), lead("c")])
    said: list[str] = []
    made = plan_webhook(company)
    runs = company.apply(on_progress=said.append)
    with sqlite3.connect(company.ledger) as ledger:
        ledger.execute("pragma wal_checkpoint(truncate)")
    everything = (
        caplog.text + repr(said) + repr(runs) + repr(made) + company.ledger.read_bytes().decode("latin-1")
    )
    for personal in ("example.com", "山田", "株式会社例", "81312345678"):
        assert personal not in everything and personal.encode().decode("latin-1") not in everything
    assert any("exactly once for a receiver that honours webhook-id" in line for line in said)


def test_published_tables_tell_runs_rows_attempts_and_rejects(company: Company, receiver: Receiver) -> None:
    import duckdb

    database = company.root / "serving.duckdb"
    publish_ledger(company.ledger, database)
    with duckdb.connect(str(database)) as opened:
        assert opened.sql("select count(*) from activation.rows").fetchall() == [(0,)]
    receiver.poison, receiver.faults = {"b"}, ["store+close"]
    company.have([lead("a"), lead("b")])
    company.send()
    publish_ledger(company.ledger, database)
    with duckdb.connect(str(database), read_only=True) as opened:
        rows = opened.sql("select key, person_id, state from activation.rows order by key").fetchall()
        assert rows == [("a", "p-a", "acked"), ("b", "p-b", "rejected")]
        outcomes = opened.sql(
            "select outcome, count(*) from activation.attempts group by 1 order by 1"
        ).fetchall()
        assert outcomes == [("acked", 1), ("rejected", 1), ("unknown", 1)]
        assert opened.sql(
            "select key, error_code, first_seen_at <= last_seen_at from activation.rejects"
        ).fetchall() == [("b", "422", True)]
        assert opened.sql("select status, acked, rejected from activation.runs").fetchall() == [
            ("done", 1, 1)
        ]
    found = status(company.ledger)[0]
    assert (found.sync, found.states, found.sending_now) == (WEBHOOK, {"acked": 1, "rejected": 1}, None)


def test_verify_says_that_a_webhook_cannot_be_read_back(company: Company) -> None:
    company.have([lead("a")])
    company.send()
    check = verify(
        company.warehouse,
        company.ledger,
        company.syncs,
        only=WEBHOOK,
        out_dir=company.out_dir,
        secrets=company.secrets,
    )[0]
    assert "1 rows were acknowledged" in check.sentences[0] and "cannot be read back" in check.sentences[0]


def test_a_wrong_sync_file_is_named_with_its_line(company: Company) -> None:
    path = company.syncs / f"{WEBHOOK}.yml"
    good = path.read_text(encoding="utf-8")
    line = good.splitlines().index("mode: upsert") + 1
    path.write_text(good.replace("mode: upsert", "mode: archive"), encoding="utf-8")
    with pytest.raises(
        ConfigurationError, match=rf"{WEBHOOK}.yml, line {line}: mode: webhook cannot 'archive'"
    ):
        plan_webhook(company)
    path.write_text(good.replace("empty_model:", "empty_modle:"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="'empty_modle' is not known here"):
        plan_webhook(company)


def test_a_mapped_column_that_is_gone_stops_before_the_first_write(
    company: Company, receiver: Receiver
) -> None:
    company.use_syncs(webhook={"fields": {"shoe_size": {"ownership": "overwrite", "why": "A test"}}})
    company.have([lead("a")])
    assert "has no column shoe_size" in plan_webhook(company).stop
    assert company.send().status == "stopped" and receiver.bodies == []


def test_a_merge_of_people_is_followed_without_sending(company: Company, receiver: Receiver) -> None:
    company.use_syncs(webhook={"fields": {"person_id": {"ownership": "never", "why": "A test"}}})
    company.have([lead("a")])
    company.send()
    company.have([lead("a", person_id="p-survivor")])
    assert company.send().requests == 0
    with Ledger.open(company.ledger) as ledger:
        assert ledger.rows(WEBHOOK)["a"].person_id == "p-survivor"


def test_a_damaged_ledger_stops_everything_with_a_sentence(company: Company, receiver: Receiver) -> None:
    company.have([lead("a")])
    company.ledger.parent.mkdir()
    company.ledger.write_bytes(b"this is not a ledger " * 99)
    with pytest.raises(LedgerError, match="without it nothing may be sent"):
        company.apply()
    assert receiver.bodies == [] and not company.csv.exists()


def test_a_full_disk_stops_before_a_request_without_an_intent(company: Company, receiver: Receiver) -> None:
    company.have([lead(f"k{number:03}") for number in range(300)])
    inner = sqlite3.connect

    def small_disk(*args: object, **kwargs: object) -> sqlite3.Connection:
        connection = inner(*args, **kwargs)
        connection.execute("pragma max_page_count = 60")  # SQLite then answers as on a full disk
        return connection

    sqlite3.connect = small_disk
    try:
        with pytest.raises(LedgerError, match=r"full.*nothing may be sent.*Free space"):
            company.send()
    finally:
        sqlite3.connect = inner
    with Ledger.open(company.ledger) as ledger:
        intents = ledger.query("select count(*) from activation_attempt")[0][0]
    assert 0 < len(receiver.bodies) <= intents, "no request left without its intent"
    assert company.send().status == "done" and len(receiver.stored) == 300 == len(receiver.state)
