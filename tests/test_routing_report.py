"""Nobody changes who gets a lead unseen: the rules that ship carry the report of their trial."""

from __future__ import annotations

import csv
from dataclasses import fields
from pathlib import Path

import pytest

from orchestration import routing_report
from orchestration.routing_report import IN_FORCE, NAME, report_trouble, write_report
from orchestration.what_if import Judgement, WhatIf

NOTHING = Judgement(0, 0, 0, None, None, 0, 0)


def tried(leads: int, *changed: str) -> WhatIf:
    """The outcome of a what-if on a warehouse with so many routed leads."""
    figures = ({"figure": "routed_leads", "before": leads, "after": leads},)
    nothing_moved = {field.name: () for field in fields(WhatIf)}
    said = {"as_of": "2026-10-31", "horizon_days": 90, "models_built": 5, "seconds": 1.0}
    judged = {"before": NOTHING, "after": NOTHING, "figures": figures}
    return WhatIf(**{**nothing_moved, **said, **judged, "changed": changed})


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A folder with the routing rules, their order turned, and the report of their trial."""
    head, *rows = (IN_FORCE / "routing_rules.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "routing_rules.csv").write_text("\n".join([head, *rows[::-1]]) + "\n", encoding="utf-8")
    assert write_report(tried(40, "routing_rules.csv"), tmp_path) == tmp_path / NAME
    return tmp_path


def rewrite(folder: Path, column: str, value: str) -> None:
    """Changes one column of the first rule."""
    file = folder / "routing_rules.csv"
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    rows[0][column] = value
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def test_the_rules_that_ship_were_tried_on_leads() -> None:
    assert report_trouble() is None


def test_tried_rules_may_go_live_in_any_order_and_with_better_words(rules: Path) -> None:
    assert report_trouble(rules) is None
    rewrite(rules, "why", "Said in clearer words")
    assert report_trouble(rules) is None


@pytest.mark.parametrize(
    ("column", "value"),
    [("priority", "98"), ("accountable_unit_id", "desk"), ("expires_on", "2027-03-31"), ("agreed_by", "me")],
)
def test_whatever_routes_wants_a_trial_of_its_own(rules: Path, column: str, value: str) -> None:
    rewrite(rules, column, value)
    assert "is about other rules" in report_trouble(rules)


def test_a_report_is_refused_that_is_missing_edited_unsealed_or_met_nobody(rules: Path) -> None:
    report = rules / NAME
    text = report.read_text(encoding="utf-8")
    report.write_text(text.replace("leads 40", "leads 41"), encoding="utf-8")
    assert "was edited" in report_trouble(rules)
    report.write_text(text.replace("0 people", "9 people"), encoding="utf-8")
    assert "was edited" in report_trouble(rules)
    report.write_text(text[: text.index("<!--")], encoding="utf-8")
    assert "has no seal" in report_trouble(rules)
    report.unlink()
    assert "nobody has tried" in report_trouble(rules)
    write_report(tried(0, "routing_rules.csv"), rules)
    assert "met no lead" in report_trouble(rules)


def test_a_trial_of_points_writes_no_report_about_routing(tmp_path: Path) -> None:
    assert write_report(tried(40, "scoring_rules.csv"), tmp_path) is None
    assert not (tmp_path / NAME).exists()


def test_units_and_structures_are_rules_too(rules: Path) -> None:
    units = (IN_FORCE / "sales_units.csv").read_text(encoding="utf-8")
    assert routing_report.rules_digest(rules) == routing_report.rules_digest()
    (rules / "sales_units.csv").write_text(units.replace(",erp,", ",erp2,"), encoding="utf-8")
    assert "is about other rules" in report_trouble(rules)
