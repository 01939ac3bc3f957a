"""Routing check: from the routing rules to a proof that every lead has one owner, or to what is amiss.

    routing_rules.csv, sales_units.csv, routing_structures.csv (or changed ones) -> every combination of
    attributes that they tell apart -> the SQL that routes real leads -> `routing.routing_findings`

No data is needed: the proof is about the rules. The side file is thrown away.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration import transform
from orchestration.home import Home
from orchestration.run import Clocks
from orchestration.what_if import changed_rules, laid_out

EXAMPLE = ("form_kind", "product_id", "solution_id", "account", "area", "relation", "score_band")
FLAGS = {
    "is_known_department": "department known",
    "is_known_person": "person known",
    "has_bought_product": "bought the product",
    "is_interest_ambiguous": "interest unclear",
    "is_claimed": "claimed by a unit",
}


@dataclass(frozen=True)
class RoutingCheck:
    """What the walk found: `findings` with the columns of `routing.routing_findings`, faults first."""

    cases: int
    cases_to_own: int
    findings: tuple[dict[str, Any], ...]

    @property
    def faults(self) -> tuple[dict[str, Any], ...]:
        """The findings that somebody must mend."""
        return tuple(finding for finding in self.findings if finding["is_fault"])


def check_routing(home: Home, times: Clocks, *, rules: Path | None = None) -> RoutingCheck:
    """Walk the whole attribute space under the rules in force, or those of a folder of changed rule CSVs.

    Raises:
        Trouble: `rules` holds no changed rule CSV, or a rule file cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix=".routing-", dir=home.prepare().root) as folder:
        bench = Path(folder)
        side = bench / "warehouse.duckdb"
        transform.build(
            side,
            home.dbt_target,
            as_of=times.as_of,
            known_at=times.known_at,
            zone=times.zone,
            full_refresh=True,
            select=["+routing_findings"],
            with_tests=False,  # a test that fails on a finding would keep it from being shown
            rules=laid_out(changed_rules(rules), bench / "rules") if rules else None,
        )
        return _read(side)


def _read(side: Path) -> RoutingCheck:
    with duckdb.connect(str(side), read_only=True) as connection:
        cases, to_own = connection.execute(
            "select count(*), count(*) filter (where needs_owner) from routing.int_routing_cases"
        ).fetchone()
        found = connection.execute(
            "from routing.routing_findings order by is_fault desc, finding_kind, subject_id, other_id"
        )
        names = [column[0] for column in found.description]
        findings = tuple(dict(zip(names, row, strict=True)) for row in found.fetchall())
    return RoutingCheck(cases, to_own, findings)


def as_lines(checked: RoutingCheck) -> list[str]:
    """The result as text for a terminal."""
    head = f"{checked.cases:,} combinations of attributes, {checked.cases_to_own:,} of them need an owner: "
    verdict = f"{len(checked.faults)} faults" if checked.faults else "each has exactly one"
    return [head + verdict, *map(_line, checked.findings)]


def _line(finding: Mapping[str, Any]) -> str:
    subject, other, cases = finding["subject_id"], finding["other_id"], finding["cases"]
    sentence = {
        "gap": f"{cases:,} combinations have no owner: add a rule that takes them",
        "tie": f"{subject} and {other} have one priority and two owners in {cases:,}: make one later",
        "overlap": f"{subject} and {other} cover the same value ({cases:,}): take it from one of them",
        "unreachable": f"{subject} never decides, {other or 'nothing'} comes first: move it up or drop it",
        "cycle": f"the cut {subject} stands in {other}, which stands in another: a cut may be nested once",
        "unknown_unit": f"{subject} names the unit {other}, which sales_units.csv does not have",
        "unknown_cut": f"{subject} names the cut {other}, which the structure in force does not have",
        "no_decider": f"{subject} takes leads of unclear interest and names no decider: fill in decider",
        "claims_clash": f"{subject} and {other} claim the same for two units: let them agree on one",
        "bad_credit": f"{subject} gives {other} per cent of credit in all: make credit_split sum to 100",
        "unagreed": f"{subject} does not route: nobody has agreed to it (agreed_by, agreed_on)",
        "expired": f"{subject} does not route: its expires_on is over",
    }[finding["finding_kind"]]
    return f"  {finding['finding_kind']:<12} {sentence}{_example(finding)}"


def _example(finding: Mapping[str, Any]) -> str:
    if finding["has_asked"] is None:
        return ""
    known = [f"{name} {finding[name]}" for name in EXAMPLE if finding[name] is not None]
    known += [words for name, words in FLAGS.items() if finding[name]]
    known.append("existing company" if finding["is_existing_company"] else "new company")
    return f"; for example one who {'asked' if finding['has_asked'] else 'did not ask'}: {', '.join(known)}"
