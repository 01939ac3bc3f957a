"""The way back from Tryton: what sales people did there -> files of the landing folder.

    records that changed -> all their revisions (history, not the last state) -> CSV below landing/crm/tryton/

A cursor on the time of change, with an overlap, finds which opportunities changed; `history_revisions` then
gives each state they went through, also those that the server set by itself. Revisions that our own sending
user wrote are left out. A repeated row has the same content, so loading it again adds nothing;
`external_id` is our key. `tryton_stages.csv` says which stage a state is.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import dlt
from dlt.extract.exceptions import ResourceExtractionError

from ingestion.tryton_rpc import Tryton, TrytonError

OVERLAP = timedelta(minutes=10)  # a transaction is dated by its start and seen at its end
KINDS = ("leads", "opportunities", "opportunity_stages", "owners", "orders", "activities")
_AT_ONCE = 200
_FIELDS = [
    *("external_id", "state", "amount", "description", "number", "create_date", "write_date"),
    *("employee", "party.name", "party.contact_mechanisms.type"),
    "party.contact_mechanisms.value_compact",
]
_ORDERED = ("confirmed", "processing", "done")

Row = dict[str, Any]


@dlt.source(name="tryton")
def tryton(client: Tryton, since: datetime | None = None) -> Any:
    """Resources by the names of `kinds.yml`; `since` (UTC) leaves out what did not change after it."""
    changed = list(_changed(client, since))
    return [
        dlt.resource(leads(changed), name="leads"),
        dlt.resource(opportunities(changed), name="opportunities"),
        dlt.resource(opportunity_stages(changed), name="opportunity_stages"),
        dlt.resource(owners(client), name="owners"),
        dlt.resource(orders(client, since), name="orders"),
        dlt.resource(activities(client, since), name="activities"),
    ]


def pull(client: Tryton, landing: Path) -> dict[str, int]:
    """Writes what changed since the last pull below landing/crm/tryton; returns rows by kind.

    The cursor moves after the files are complete, so a pull that breaks off is repeated, not lost.
    Raises TrytonError.
    """
    folder = landing / "crm" / "tryton"
    folder.mkdir(parents=True, exist_ok=True)
    cursor = folder / ".cursor.json"
    said = json.loads(cursor.read_text(encoding="utf-8"))["changed_at"] if cursor.exists() else None
    since = datetime.fromisoformat(said) - OVERLAP if said else None
    source = tryton(client, since)
    try:
        found = {kind: [dict(row) for row in source.resources[kind]] for kind in KINDS}
    except ResourceExtractionError as error:
        raise (error.__cause__ if isinstance(error.__cause__, TrytonError) else error) from None
    times = [row["updated_at"] for rows in found.values() for row in rows if "updated_at" in row]
    newest = max(times, default=said)
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    for kind, rows in found.items():
        if rows:
            _write(folder / f"{stamp}-{kind}.csv", rows)
    if newest:
        _replace(cursor, json.dumps({"changed_at": newest}))
    return {kind: len(rows) for kind, rows in found.items()}


def leads(changed: Sequence[Row]) -> Iterator[Row]:
    """Each changed lead as it is now."""
    for record in changed:
        yield {
            "lead_id": str(record["id"]),
            "external_id": record.get("external_id"),
            "email": _contact(record, "email"),
            "name": (record.get("party.") or {}).get("name"),
            "owner_id": _text(record.get("employee")),
            "status": record["state"],
            "created_at": _moment(record["create_date"]),
            "updated_at": _changed_at(record),
        }


def opportunities(changed: Sequence[Row]) -> Iterator[Row]:
    """Each changed opportunity as it is now; a mere lead is none."""
    for record in changed:
        began = [at for at, state in record["states"] if stage_of(state)]
        if not began:
            continue
        is_over = stage_of(record["state"]) in ("won", "lost")
        ended = [at for at, state in record["states"] if stage_of(state) in ("won", "lost")]
        yield {
            "opportunity_id": str(record["id"]),
            "lead_id": str(record["id"]),
            "name": record.get("number"),
            "amount_jpy": _text(record.get("amount")),
            "stage": stage_of(record["state"]) or "",
            "owner_id": _text(record.get("employee")),
            "created_at": _moment(began[0]),
            "closed_at": _moment(ended[-1]) if is_over and ended else None,
            "updated_at": _changed_at(record),
        }


def opportunity_stages(changed: Sequence[Row]) -> Iterator[Row]:
    """Each stage that an opportunity entered, also those it has left since."""
    for record in changed:
        before = None
        for at, state in record["states"]:
            stage = stage_of(state)
            if stage and stage != before:
                yield {"opportunity_id": str(record["id"]), "stage": stage, "entered_at": _moment(at)}
            before = stage


def owners(client: Tryton) -> Iterator[Row]:
    """Each employee with the unit that its party's code names."""
    found = _search(client, "company.employee", [], ["party.name", "party.code", "create_date", "write_date"])
    for record in found:
        party = record.get("party.") or {}
        yield {
            "owner_id": str(record["id"]),
            "owner_name": party.get("name"),
            "unit_id": party.get("code"),
            "updated_at": _changed_at(record),
        }


def orders(client: Tryton, since: datetime | None) -> Iterator[Row]:
    """Each confirmed sale that came out of an opportunity."""
    domain = [["state", "in", list(_ORDERED)], ["origin", "like", "sale.opportunity,%"], *_since(since)]
    names = ["number", "origin", "total_amount", "sale_date", "create_date", "write_date"]
    for record in _search(client, "sale.sale", domain, names):
        opportunity = str(record["origin"]).partition(",")[2]
        ordered = record.get("sale_date")
        yield {
            "order_id": record.get("number") or f"sale-{record['id']}",
            "opportunity_id": opportunity,
            "lead_id": opportunity,
            "amount_jpy": _text(record.get("total_amount")),
            "ordered_at": ordered.isoformat() if ordered else _changed_at(record),
            "updated_at": _changed_at(record),
        }


def activities(client: Tryton, since: datetime | None) -> Iterator[Row]:
    """Each note at an opportunity: that somebody worked on it and when, not what was written."""
    # A note does not touch its opportunity, and Tryton lets only administrators search notes without naming
    # records.
    known = client.call("model.sale.opportunity.search", [["external_id", "!=", None]], 0, None, None)
    names, found = ["resource", "create_date", "write_date"], []
    for start in range(0, len(known), _AT_ONCE):
        some = [f"sale.opportunity,{key}" for key in known[start : start + _AT_ONCE]]
        found += _search(client, "ir.note", [["resource", "in", some], *_since(since)], names)
    for record in found:
        opportunity = str(record["resource"]).partition(",")[2]
        yield {
            "activity_id": f"note-{record['id']}",
            "lead_id": opportunity,
            "opportunity_id": opportunity,
            "activity_type": "note",
            "occurred_at": _moment(record["create_date"]),
        }


@cache
def _stages() -> dict[str, str]:
    with Path(__file__).with_name("tryton_stages.csv").open(encoding="utf-8", newline="") as file:
        return {row["state"]: row["stage"] for row in csv.DictReader(file)}


def stage_of(state: str) -> str | None:
    """The stage of the funnel that a state of Tryton is; None for a mere lead or an unknown state."""
    return _stages().get(state) or None


# Reading


def _changed(client: Tryton, since: datetime | None) -> Iterator[Row]:
    """Opportunities that somebody else than we changed, with `states`: (time, state), oldest first."""
    found = {row["id"]: row for row in _search(client, "sale.opportunity", _since(since), _FIELDS)}
    ids = sorted(found)
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        revisions = _revisions(client, some)
        for key in some:
            theirs = [(at, state) for at, state, who in revisions.get(key, []) if who != client.user_id]
            if theirs:
                yield {**found[key], "states": theirs}


def _revisions(client: Tryton, ids: list[int]) -> dict[int, list[tuple[datetime, str, int | None]]]:
    """id -> (time, state, user) of each revision, oldest first; those of one time are read together."""
    at_once: dict[datetime, list[int]] = {}
    for at, key, _ in client.call("model.sale.opportunity.history_revisions", ids):
        at_once.setdefault(at, []).append(key)
    found: dict[int, list[tuple[datetime, str, int | None]]] = {}
    for at in sorted(at_once):
        names = ["state", "write_uid", "create_uid"]
        rows = client.call("model.sale.opportunity.read", at_once[at], names, context={"_datetime": at})
        for row in rows:
            who = row.get("write_uid") or row.get("create_uid")
            found.setdefault(row["id"], []).append((at, row["state"], who))
    return found


def _search(client: Tryton, model: str, domain: list[Any], names: Sequence[str]) -> list[Row]:
    return client.call(f"model.{model}.search_read", domain, 0, None, [["id", "ASC"]], list(names))


def _since(since: datetime | None) -> list[Any]:
    if since is None:
        return []
    moment = since.astimezone(UTC).replace(tzinfo=None)
    return [["OR", ["write_date", ">=", moment], ["create_date", ">=", moment]]]


# Writing


def _write(path: Path, rows: Sequence[Row]) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    _replace(path, text.getvalue())


def _replace(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.partial")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)


def _contact(record: Row, kind: str) -> str | None:
    contacts = (record.get("party.") or {}).get("contact_mechanisms.") or []
    return next((contact["value_compact"] for contact in contacts if contact["type"] == kind), None)


def _changed_at(record: Row) -> str:
    return _moment(record.get("write_date") or record["create_date"])


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="microseconds") + "Z"


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
