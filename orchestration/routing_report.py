"""The report that a change of the routing rules must carry: what-if -> a file beside the rules -> the check.

Routing rules touch the pay of sales people, so nobody changes them unseen (RT09): `ikusei what-if` tries them
on the company's own leads and writes `routing_report.md` beside them; `ikusei routing check` refuses rules
whose report is missing, was made for other rules, was edited afterwards, or met no lead. What the rules say
in words (names, why) may be mended without a new report; what routes may not.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

from orchestration.home import PROJECT
from orchestration.what_if import WhatIf
from orchestration.what_if_report import as_markdown

NAME = "routing_report.md"
AGAINST = ("routing_rules.csv", "routing_structures.csv", "sales_units.csv")
WORDS = ("name_ja", "name_en", "why", "why_ja")  # columns that are read by people alone
IN_FORCE = PROJECT / "models" / "6_routing"
_SEAL = re.compile(r"<!-- rules ([0-9a-f]{64}), leads (\d+), report ([0-9a-f]{64}) -->\n?\Z")


def write_report(report: WhatIf, rules: Path) -> Path | None:
    """Writes the report into the folder of the changed rules; its path, or None where no routing changed."""
    if not set(report.changed) & set(AGAINST):
        return None
    text, leads = as_markdown(report), _leads(report)
    seal = f"<!-- rules {rules_digest(rules)}, leads {leads}, report {_digest(text, leads)} -->\n"
    place = rules / NAME
    place.write_text(text + seal, encoding="utf-8")
    return place


def report_trouble(rules: Path | None = None) -> str | None:
    """Why these rules (None: those in force) may not go live, as a sentence that names the mend; or None."""
    place = (rules or IN_FORCE) / NAME
    mend = f"run `ikusei what-if --rules DIR --markdown` with the changed CSVs and put its {NAME} beside them"
    if not place.exists():
        return f"{place} is not there: nobody has tried these rules on real leads; {mend}"
    text = place.read_text(encoding="utf-8")
    seal = _SEAL.search(text)
    if seal is None:
        return f"{place} has no seal in its last line: it was not written by a what-if; {mend}"
    digest, leads, body = seal.groups()
    if _digest(text[: seal.start()], int(leads)) != body:
        return f"{place} was edited after the what-if that wrote it; {mend}"
    if digest != rules_digest(rules):
        return f"{place} is about other rules: {', '.join(AGAINST)} have changed since; {mend}"
    if not int(leads):
        return f"{place} met no lead: it was made on a warehouse in which nobody is routed; {mend}"
    return None


def rules_digest(rules: Path | None = None) -> str:
    """SHA-256 of what routes: rows in any order, without the words; the folder's files come first."""
    files = [next(f / name for f in _folders(rules) if (f / name).exists()) for name in AGAINST]
    said = {file.name: sorted(_rows(file)) for file in files}
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


def _folders(rules: Path | None) -> Sequence[Path]:
    return (IN_FORCE,) if rules is None else (rules, IN_FORCE)


def _rows(file: Path) -> list[list[list[str]]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return [
            sorted([name, (value or "").strip()] for name, value in row.items() if name not in WORDS)
            for row in csv.DictReader(lines)
        ]


def _leads(report: WhatIf) -> int:
    return sum(row["before"] for row in report.figures if row["figure"] == "routed_leads")


def _digest(text: str, leads: int) -> str:
    return hashlib.sha256(f"{leads}\n{text}".encode()).hexdigest()
