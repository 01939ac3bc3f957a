"""Links: from a person's word on a link to a line in landing, and from two publications to what changed.

A decision is input like any other: `landing/links/decisions.jsonl` holds one line for each, with who and why,
and the next run reads it. Nothing is edited, so a decision can be taken back, known later, and loaded in any
order.
"""

from __future__ import annotations

import getpass
import json
import os
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from orchestration.home import Home
from orchestration.trouble import Trouble

FILE = Path("links") / "decisions.jsonl"
KEYED_BY_PERSON = {
    "people": "identity.dim_people",
    "deeds": "behaviour.fct_touches",
    "scores": "scoring.fct_lead_scores",
    "tiers": "lifecycle.fct_tier_history",
    "consents": "lifecycle.lead_consents",
    "routes": "routing.fct_lead_routes",
    "rows for the webhook": "activation.sync_webhook__routed_leads",
    "monthly KPIs": "reporting.rpt_kpis_monthly",
}
"""What a merge or a split may change, in the words of the report -> its public mart."""

LINKS = {
    "identity_links": "left_identifier, right_identifier",
    "identity_refusals": "left_identifier, right_identifier",
    "review_queue": "left_identifier, right_identifier",
    "visitor_links": "'visitor:' || visitor_id, identifier",
}
"""Where in `identity` a link is published that somebody may decide on -> its two identifiers."""


@dataclass(frozen=True)
class Ripple:
    """Rows of one mart that are only in the former, and only in the new publication."""

    what: str
    gone: int
    new: int

    def line(self) -> str:
        return f"  {self.what}: {self.gone:,} rows went, {self.new:,} came"


def decide(home: Home, link_id: str, decision: str, why: str, *, by: str | None = None) -> str:
    """Write down that a link joins (`accept`), may not join (`reject`), or as its rule says (`restore`).

    Both identifiers stand in the decision, so that it outlives the claim it was taken on. Returns a sentence.

    Args:
        link_id: as `ikusei explain person` shows it.
        decision: accept, reject or restore.
        why: the reason, kept with the decision.
        by: who decides; the user of this machine when not given.

    Raises:
        Trouble: nothing is published, no such link is known, or no reason is given.
    """
    if not why.strip():
        raise Trouble("say why: a merge that was undone without a reason is done again by the next person")
    left, right = _known_link(home, link_id)
    decided = {
        "decision_id": uuid.uuid4().hex,
        "link_id": link_id,
        "decision": decision,
        "left_identifier": left,
        "right_identifier": right,
        "why": why.strip(),
        "decided_by": by or getpass.getuser(),
        "decided_at": datetime.now(UTC).isoformat(),
    }
    _append(home.landing / FILE, json.dumps(decided, ensure_ascii=False) + "\n")
    return f"{decision}ed the link {left} - {right}: the next `ikusei run` obeys and says what changed"


def ripples(former: Path, now: Path) -> list[Ripple]:
    """What differs between two publications, mart by mart, row by row."""
    with duckdb.connect() as connection:
        for name, file in (("former", former), ("present", now)):
            quoted = str(file).replace("'", "''")
            connection.execute(f"attach '{quoted}' as {name} (read_only)")
        return [_ripple(connection, what, mart) for what, mart in KEYED_BY_PERSON.items()]


def decisions_landed(now: Path, former: Path) -> int:
    """How many lines of decisions the new publication has read that the former had not."""
    return _decisions_read(now) - _decisions_read(former)


def _ripple(connection: duckdb.DuckDBPyConnection, what: str, mart: str) -> Ripple:
    gone, new = (
        connection.execute(
            f"select count(*) from (select * from {one}.{mart} except all select * from {other}.{mart})"
        ).fetchone()[0]
        for one, other in (("former", "present"), ("present", "former"))
    )
    return Ripple(what, gone, new)


def _decisions_read(file: Path) -> int:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(
            "select coalesce(sum(rows_loaded), 0) from raw_intake.files where source = 'links'"
        ).fetchone()[0]


def _known_link(home: Home, link_id: str) -> tuple[str, str]:
    """The two identifiers of a published link."""
    if not home.published.exists():
        raise Trouble(f"nothing is published in {home.serving} yet: run `ikusei run` first")
    with duckdb.connect(str(home.published.resolve()), read_only=True) as connection:
        known = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'identity'"
        ).fetchall()
        links = " union all ".join(
            f"select {ends} from identity.{mart} where link_id = $link"
            for mart, ends in LINKS.items()
            if (mart,) in known
        )
        found = connection.execute(links, {"link": link_id}).fetchone()
    if found is None:
        raise Trouble(f"there is no link {link_id}: `ikusei explain person PERSON` shows a person's links")
    return found


def _append(file: Path, line: str) -> None:
    """Add a whole line, on the disk before this returns."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as opened:
        opened.write(line)
        opened.flush()
        os.fsync(opened.fileno())
