"""Telling a Slack channel: one notice a lead, nobody's name unless allowed, and what class D means."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
from activation_warehouse import Company, FastClock, lead
from fault_proxy import proxy_before
from vendor_server import Double, VendorError, serving

from orchestration.activation import SyncRun

SYNC = "slack_routed_leads"
HOOK = "/services/T000/B000/secretpart"


class SlackDouble(Double):
    """An incoming webhook after https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/."""

    def __init__(self) -> None:
        super().__init__()
        self.notices: list[str] = []
        self.refused: set[str] = set()

    def answer(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: Any
    ) -> tuple[int, Any]:
        if (method, path) != ("POST", HOOK):
            raise VendorError(404, "no_service")
        text = (body if isinstance(body, dict) else json.loads(body)).get("text", "")
        if not text:
            raise VendorError(400, "no_text")
        if any(word in text for word in self.refused):
            raise VendorError(400, "invalid_payload")
        self.notices.append(text)
        return 200, "ok"


@pytest.fixture
def channel() -> Iterator[SlackDouble]:
    double = SlackDouble()
    with serving(double):
        yield double


@pytest.fixture
def company(tmp_path: Path, channel: SlackDouble) -> Company:
    made = Company(tmp_path, {"IKUSEI_SLACK_URL": channel.url + HOOK}, FastClock(time.time()))
    use(made)
    return made


def use(company: Company, **changes: object) -> None:
    options = {"requests_per_second": None, **(changes.pop("options", None) or {})}
    company.use_syncs(slack={"options": options, **changes})


def apply(company: Company) -> SyncRun:
    return company.apply(SYNC)[SYNC]


def test_each_lead_is_told_once_and_a_change_is_not_told_again(
    company: Company, channel: SlackDouble
) -> None:
    company.have([lead("a", top_product="CRM <x> & co"), lead("b")])
    run = apply(company)
    assert (run.status, run.acked, run.destination_class) == ("done", 2, "D")
    assert "may stand there twice" in run.guarantee
    assert "B2: 関心 CRM &lt;x&gt; &amp; co, 担当 area-kanto" in channel.notices[0]
    company.have([lead("a", grade="A1"), lead("b")])
    assert apply(company).requests == 0 and len(channel.notices) == 2
    use(company, mode="upsert")
    assert apply(company).acked == 1 and len(channel.notices) == 3


def test_nobodys_name_leaves_unless_the_file_allows_it(company: Company, channel: SlackDouble) -> None:
    name = {"display_name": {"ownership": "overwrite", "why": "A test"}}
    use(company, fields=name)
    company.have([lead("a")])
    run = apply(company)
    assert run.status == "not_configured" and "'display_name' says who a person is" in run.sentences[0]
    disguised = {"who": {"column": "email", "ownership": "overwrite", "why": "A test"}}
    use(company, fields=disguised)
    assert "'who' says who a person is" in apply(company).sentences[0]
    assert channel.notices == []
    use(company, fields=name, options={"personal_data": "allowed", "text": "{display_name}: {grade}"})
    assert apply(company).acked == 1 and channel.notices == ["山田太郎: B2"]


def test_a_text_that_names_no_field_is_said_with_its_name(company: Company) -> None:
    use(company, options={"text": "{grade} {shoe_size}"})
    company.have([lead("a")])
    assert "names 'shoe_size'" in apply(company).sentences[0]
    use(company, options={"text": "{grade"})
    assert "brace" in apply(company).sentences[0]


def test_a_notice_that_slack_refuses_does_not_keep_the_others(company: Company, channel: SlackDouble) -> None:
    channel.refused = {"C3"}
    company.have([lead("a"), lead("b", grade="C3"), lead("c")])
    run = apply(company)
    assert (run.acked, run.rejected, len(channel.notices)) == (2, 1, 2)


@pytest.mark.parametrize(
    ("status", "word"), [(403, "invalid_token"), (404, "no_service"), (410, "channel_is_archived")]
)
def test_a_hook_that_was_taken_away_stops_and_names_the_variable(
    company: Company, channel: SlackDouble, status: int, word: str
) -> None:
    channel.planned = [VendorError(status, word)]
    company.have([lead("a"), lead("b")])
    run = apply(company)
    assert run.status == "stopped" and "IKUSEI_SLACK_URL" in run.sentences[-1] and channel.notices == []
    assert HOOK not in " ".join(run.sentences)


def test_one_a_second_is_waited_for_and_nobody_is_left_out(company: Company, channel: SlackDouble) -> None:
    channel.planned = [
        VendorError(429, "rate_limited", {"Retry-After": "30"}),
        VendorError(500, "rollup_error"),
    ]
    company.have([lead("a"), lead("b")])
    run = apply(company)
    assert (run.status, run.acked, run.rejected) == ("done", 2, 0) and max(company.clock.slept) > 15
    assert len(channel.notices) == 2


def test_an_escalation_is_told_and_told_again_when_it_moves_on(
    company: Company, channel: SlackDouble
) -> None:
    """The product's own second file; its model is made here by hand, with the columns of the real one."""
    row = "'r1' as sync_key, 'p1' as person_id, 'A1' as grade, 'crm' as top_product, "
    row += "'area-kanto' as owner_unit_id, timestamp '2026-05-02 09:00:00' as due_at, "
    row += "'granted' as consent_status, false as is_suppressed"
    company.have([])
    for unit in ("account-a", "account-a", "head"):
        with duckdb.connect(str(company.warehouse)) as database:
            database.execute(
                "create or replace table activation.sync_slack__escalations as "
                f"select {row}, '{unit}' as accountable_unit_id"
            )
        assert company.apply("slack_escalations")["slack_escalations"].status == "done"
    assert [notice.split(", ")[2] for notice in channel.notices] == ["いま account-a", "いま head"]


def test_what_class_d_cannot_promise_is_a_second_notice_and_never_a_lost_one(
    company: Company, channel: SlackDouble
) -> None:
    with proxy_before(channel.port, "", 35) as proxy:
        company.secrets["IKUSEI_SLACK_URL"] = proxy.url + HOOK
        use(company, options={"timeout_seconds": 1, "breaker": 1000, "patience_seconds": 100000})
        proxy.share, proxy.late_seconds = 0.35, 1.1
        keys = [f"k{number:02}" for number in range(16)]
        company.have([lead(key, grade=key) for key in keys])
        for _ in range(30):
            company.clock.time += 5000
            if (run := apply(company)).status == "done":
                break
    told = [notice.split()[1].rstrip(":") for notice in channel.notices]
    doubled = len(told) - len(set(told))
    print(f"{SYNC}: {len(keys)} rows, {proxy.requests} requests, {sum(proxy.done.values())} faults: "
          f"lost {len(set(keys) - set(told))}, doubled {doubled} (class D says so)")  # fmt: skip
    assert run.status == "done" and set(told) == set(keys)
    unheard = sum(proxy.done[kind] for kind in ("done+close", "done+502", "late", "zombie"))
    assert doubled <= unheard, "only a notice whose answer was lost is told again"


def test_the_address_and_the_text_stand_in_no_log_even_at_debug(
    company: Company, channel: SlackDouble, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    company.have([lead("a")])
    apply(company)
    assert "secretpart" not in caplog.text and "関心" not in caplog.text
