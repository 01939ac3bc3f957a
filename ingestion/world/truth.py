"""What is true of the world, in Parquet beside its files; only the judge of the product may read it.

people, companies, identifiers (with spans), requests, email_events, opportunities, consents; `world.json`
holds the arguments, the settings, the counts and the heroine. Times are naive UTC; spans include both ends.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .behaviour import World
from .clock import midnight, utc
from .diary import Identifier, Request
from .files import Written
from .heroine import story
from .people import Person

_TIME = pa.timestamp("us")

PEOPLE = pa.schema(
    {
        "person_key": pa.string(), "kind": pa.string(), "origin": pa.string(), "name": pa.string(),
        "name_kana": pa.string(), "email": pa.string(), "emails": pa.list_(pa.string()),
        "phone": pa.string(), "mobile": pa.string(), "company_key": pa.string(),
        "company_keys": pa.list_(pa.string()), "department": pa.string(), "position": pa.string(),
        "prefecture": pa.string(), "industry": pa.string(), "product": pa.string(), "solution": pa.string(),
        "knowledge": pa.int64(), "need": pa.float64(), "named_on": pa.date32(), "wants_on": pa.date32(),
        "right_owner": pa.string(), "is_heroine": pa.bool_(),
    }
)  # fmt: skip
COMPANIES = pa.schema(
    {
        "company_key": pa.string(), "name": pa.string(), "base_name": pa.string(), "legal_form": pa.string(),
        "domain": pa.string(), "industry": pa.string(), "prefecture": pa.string(), "employees": pa.int64(),
        "corporate_number": pa.string(), "phone": pa.string(), "office_address": pa.string(),
        "is_key_account": pa.bool_(), "has_mail_gate": pa.bool_(),
    }
)  # fmt: skip
IDENTIFIERS = pa.schema(
    {
        "kind": pa.string(),
        "value": pa.string(),
        "person_key": pa.string(),
        "starts_at": _TIME,
        "ends_at": _TIME,
    }
)
REQUESTS = pa.schema(
    {
        "visitor_id": pa.string(), "occurred_at": _TIME, "person_key": pa.string(), "is_machine": pa.bool_(),
        "kind": pa.string(), "client_address": pa.string(), "line": pa.string(), "source_file": pa.string(),
    }
)  # fmt: skip
EMAIL_EVENTS = pa.schema(
    {
        "sg_event_id": pa.string(), "occurred_at": _TIME, "event": pa.string(), "mid": pa.string(),
        "person_key": pa.string(), "actor_key": pa.string(), "is_machine": pa.bool_(),
    }
)  # fmt: skip
OPPORTUNITIES = pa.schema(
    {
        "opportunity_id": pa.string(), "lead_id": pa.string(), "person_key": pa.string(),
        "cause": pa.string(), "created_at": _TIME, "final_stage": pa.string(), "final_stage_at": _TIME,
        "amount_jpy": pa.int64(),
    }
)  # fmt: skip
CONSENTS = pa.schema(
    {
        "person_key": pa.string(), "address": pa.string(), "channel": pa.string(), "status": pa.string(),
        "basis": pa.string(), "occurred_at": _TIME,
    }
)  # fmt: skip


def write_truth(world: World, written: Written, folder: Path, arguments: dict[str, Any]) -> None:
    """Write all truth files into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder, "people", PEOPLE, (_person(person) for person in world.people))
    _write(folder, "companies", COMPANIES, _companies(world))
    _write(folder, "identifiers", IDENTIFIERS, _identifiers(world, written))
    _store(folder, "requests", _requests(written))
    _write(folder, "email_events", EMAIL_EVENTS, _mail_events(world))
    _write(folder, "opportunities", OPPORTUNITIES, _opportunities(world))
    _write(folder, "consents", CONSENTS, _consents(world))
    text = json.dumps(_world(world, written, arguments), ensure_ascii=False, indent=2)
    (folder / "world.json").write_text(text + "\n", encoding="utf-8")


def _write(folder: Path, name: str, schema: pa.Schema, rows: Iterable[dict[str, Any]]) -> None:
    _store(folder, name, pa.Table.from_pylist(list(rows), schema=schema))


def _store(folder: Path, name: str, table: pa.Table) -> None:
    pq.write_table(table, folder / f"{name}.parquet", compression="zstd")


def _person(person: Person) -> dict[str, Any]:
    job = person.employments[0]
    jobs = [one for one in person.employments if one.company is not None]
    return {
        "person_key": person.key,
        "kind": person.kind,
        "origin": person.origin,
        "name": person.name,
        "name_kana": person.kana,
        "email": job.email,
        "emails": [one.email for one in person.employments],
        "phone": job.phone,
        "mobile": person.mobile,
        "company_key": job.company.key if job.company else None,
        "company_keys": [one.company.key for one in jobs],
        "department": job.department,
        "position": job.position,
        "prefecture": job.company.prefecture.name if job.company else None,
        "industry": job.company.industry if job.company else None,
        "product": person.product,
        "solution": person.solution,
        "knowledge": person.knowledge,
        "need": person.need,
        "named_on": person.named_on,
        "wants_on": person.wants_on,
        "right_owner": person.right_owner,
        "is_heroine": person.is_heroine,
    }


def _companies(world: World) -> Iterable[dict[str, Any]]:
    for firm in world.companies:
        yield {
            "company_key": firm.key,
            "name": firm.name,
            "base_name": firm.base,
            "legal_form": firm.legal_form,
            "domain": firm.domain,
            "industry": firm.industry,
            "prefecture": firm.prefecture.name,
            "employees": firm.employees,
            "corporate_number": firm.corporate_number,
            "phone": firm.phone,
            "office_address": firm.office_address,
            "is_key_account": firm.is_key_account,
            "has_mail_gate": firm.has_mail_gate,
        }


def _identifiers(world: World, written: Written) -> list[dict[str, Any]]:
    found = [
        *world.diary.identifiers,
        *written.list_rows,
        *_own_identifiers(world),
        *cookie_spans(written.requests),
    ]
    found.sort(key=lambda one: (one.kind, one.value, one.starts_at, one.person_key or ""))
    return [
        {
            "kind": one.kind,
            "value": one.value,
            "person_key": one.person_key,
            "starts_at": utc(one.starts_at),
            "ends_at": utc(one.ends_at),
        }
        for one in found
        if world.calendar.holds(one.starts_at)
    ]


def _own_identifiers(world: World) -> Iterable[Identifier]:
    """Addresses and phones: each from its employment's first day to the next one's."""
    for person in world.people:
        starts = [world.calendar.starts_at, *(midnight(job.since) for job in person.employments[1:])]
        ends = [*(start - 1 for start in starts[1:]), world.calendar.ends_at - 1]
        for job, start, end in zip(person.employments, starts, ends, strict=True):
            yield Identifier("email", job.email, person.key, start, end)
            if job.phone:
                yield Identifier("phone", job.phone, person.key, start, end)
        yield Identifier("mobile", person.mobile, person.key, starts[0], ends[-1])


def cookie_spans(requests: list[tuple[Request, str]]) -> list[Identifier]:
    """For each cookie the spans in which one and the same person held it (None = never named)."""
    spans: list[Identifier] = []
    open_spans: dict[str, Identifier] = {}
    for request, _ in sorted(requests, key=lambda entry: (entry[0].moment, entry[0].line)):
        cookie, person = request.visitor.cookie, request.visitor.person_key
        if cookie == "-":
            continue
        span = open_spans.get(cookie)
        start = span.starts_at if span and span.person_key == person else request.moment
        if span and span.person_key != person:
            spans.append(span)
        open_spans[cookie] = Identifier("cookie", cookie, person, start, request.moment)
    return spans + list(open_spans.values())


def _requests(written: Written) -> pa.Table:
    """One row per web log line, column by column: this is the large one."""
    requests = [request for request, _ in written.requests]
    visitors = [request.visitor for request in requests]
    columns: dict[str, list[Any]] = {
        "visitor_id": [None if visitor.cookie == "-" else visitor.cookie for visitor in visitors],
        "occurred_at": [request.moment * 1_000_000 for request in requests],
        "person_key": [visitor.person_key for visitor in visitors],
        "is_machine": [visitor.is_machine for visitor in visitors],
        "kind": [visitor.kind for visitor in visitors],
        "client_address": [visitor.address for visitor in visitors],
        "line": [request.line for request in requests],
        "source_file": [path for _, path in written.requests],
    }
    return pa.table([pa.array(columns[name], REQUESTS.field(name).type) for name in REQUESTS.names], REQUESTS)


def _mail_events(world: World) -> list[dict[str, Any]]:
    events = sorted(world.diary.mail_events, key=lambda event: (event.moment, event.row["sg_event_id"]))
    return [
        {
            "sg_event_id": event.row["sg_event_id"],
            "occurred_at": utc(event.moment),
            "event": event.row["event"],
            "mid": event.row["mid"],
            "person_key": event.person_key,
            "actor_key": event.actor_key,
            "is_machine": event.is_machine,
        }
        for event in events
    ]


def _opportunities(world: World) -> list[dict[str, Any]]:
    """`final_stage_at` may lie after the world's end: what will be true, though no file says it yet."""
    return [
        {**deal, "created_at": utc(deal["created_at"]), "final_stage_at": utc(deal["final_stage_at"])}
        for deal in world.diary.opportunities
    ]


def _consents(world: World) -> list[dict[str, Any]]:
    inside = [one for one in world.diary.consents if world.calendar.holds(one.moment)]
    inside.sort(key=lambda one: (one.moment, one.person_key, one.basis, one.status))
    return [
        {
            "person_key": one.person_key,
            "address": one.address,
            "channel": one.channel,
            "status": one.status,
            "basis": one.basis,
            "occurred_at": utc(one.moment),
        }
        for one in inside
    ]


def _world(world: World, written: Written, arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        "arguments": arguments,
        "settings": world.settings,
        "first_day": world.calendar.first.isoformat(),
        "last_day": world.calendar.last.isoformat(),
        "heroine": story(world),
        "files": dict(sorted(written.lines.items())),
    }
