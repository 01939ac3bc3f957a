"""Doctor: which syncs are set up, which were begun, and which nobody asked for."""

from __future__ import annotations

import importlib.util

import pytest

from orchestration.activate import syncs_not_set_up
from orchestration.doctor import _syncs


def test_a_sync_that_was_begun_is_named_with_what_it_lacks_and_others_are_one_line() -> None:
    lines = [
        str(finding) for finding in _syncs({"IKUSEI_SALESFORCE_URL": "https://x", "IKUSEI_SLACK_URL": "y"})
    ]
    looks = [line for line in lines if line.startswith("LOOK")]
    assert all("salesforce_" in line for line in looks), "whoever has one client set up is asked for no other"
    (begun,) = [line for line in looks if "salesforce_routed_leads" in line]
    assert (
        "salesforce_routed_leads: set IKUSEI_SALESFORCE_CLIENT_ID and IKUSEI_SALESFORCE_CLIENT_SECRET"
        in begun
    )
    assert any("slack_routed_leads: class D" in line for line in lines)
    assert any("files_routed_leads: class A" in line for line in lines)
    (off,) = [line for line in lines if "not set up, and not needed" in line]
    assert "hubspot_routed_leads" in off and "kintone_routed_leads" in off
    assert not any("https://x" in line for line in lines), "a doctor tells no secrets"


def test_a_package_that_is_missing_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "hubspot" else inner(name))
    lines = [str(finding) for finding in _syncs({"IKUSEI_HUBSPOT_TOKEN": "pat"})]
    assert any("pip install 'ikusei[hubspot]'" in line for line in lines if line.startswith("LOOK"))


def test_a_sync_without_variables_is_always_set_up_and_one_variable_begins_the_others() -> None:
    off = set(syncs_not_set_up({"IKUSEI_SLACK_URL": "y"}))
    assert {"hubspot_routed_leads", "tryton_routed_leads"} <= off
    assert not off & {"files_routed_leads", "files_mail_audience", "slack_routed_leads"}
