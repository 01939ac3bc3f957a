"""What is true of the world, in Parquet beside its files; only the judge of the product may read it.

people, companies, company_spellings, departments, identifiers (with spans), deeds, opportunities, orders,
activities, costs, budgets, tiers, hazards, kpis, routes, waits, consents, files; `traces` writes requests,
sessions and email_events. `world.json` holds the arguments, the settings, the counts and the heroine. Times
are naive UTC; spans include both ends.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from . import figures
from .behaviour import World
from .clock import midnight, utc
from .diary import Identifier
from .heroine import story
from .landing import Written
from .names import DEPARTMENT_CATEGORIES
from .people import Person
from .traces import TIME

PEOPLE = pa.schema(
    {
        "person_key": pa.string(), "kind": pa.string(), "origin": pa.string(), "name": pa.string(),
        "name_kana": pa.string(), "email": pa.string(), "emails": pa.list_(pa.string()),
        "phone": pa.string(), "mobile": pa.string(), "company_key": pa.string(),
        "company_keys": pa.list_(pa.string()), "department": pa.string(), "position": pa.string(),
        "prefecture": pa.string(), "industry": pa.string(), "product": pa.string(), "solution": pa.string(),
        "knowledge": pa.int64(), "need": pa.float64(), "named_on": pa.date32(), "wants_on": pa.date32(),
        "department_category": pa.string(), "need_product": pa.string(), "right_owner": pa.string(),
        "usual_unit": pa.string(), "is_heroine": pa.bool_(), "trouble": pa.string(),
        "troubles": pa.list_(pa.string()),
    }
)  # fmt: skip
COMPANIES = pa.schema(
    {
        "company_key": pa.string(), "name": pa.string(), "base_name": pa.string(), "legal_form": pa.string(),
        "domain": pa.string(), "industry": pa.string(), "prefecture": pa.string(), "employees": pa.int64(),
        "corporate_number": pa.string(), "phone": pa.string(), "office_address": pa.string(),
        "is_key_account": pa.bool_(), "has_mail_gate": pa.bool_(), "merged_into": pa.string(),
        "changed_on": pa.date32(), "former_name": pa.string(), "trouble": pa.string(),
    }
)  # fmt: skip
IDENTIFIERS = pa.schema(
    {
        "kind": pa.string(), "value": pa.string(), "person_key": pa.string(), "starts_at": TIME,
        "ends_at": TIME, "trouble": pa.string(), "is_tied": pa.bool_(),
    }
)  # fmt: skip
COMPANY_SPELLINGS = pa.schema({"company_key": pa.string(), "spelling": pa.string(), "trouble": pa.string()})
DEPARTMENTS = pa.schema(
    {
        "department": pa.string(), "official": pa.string(), "department_category": pa.string(),
        "trouble": pa.string(),
    }
)  # fmt: skip
HAZARDS = pa.schema(
    {
        "person_key": pa.string(), "month": pa.date32(), "hazard_30d": pa.float64(),
        "hazard_90d": pa.float64(), "raised_by": pa.string(),
    }
)  # fmt: skip
ORDERS = pa.schema(
    {
        "order_id": pa.string(), "person_key": pa.string(), "ordered_at": TIME, "amount_jpy": pa.int64(),
        "margin_jpy": pa.int64(),
    }
)  # fmt: skip
DEEDS = pa.schema({"person_key": pa.string(), "kind": pa.string(), "happened_at": TIME})
ACTIVITIES = pa.schema(
    {"lead_id": pa.string(), "kind": pa.string(), "outcome": pa.string(), "happened_at": TIME}
)
COSTS = pa.schema({"campaign_id": pa.string(), "cost_on": pa.date32(), "amount_jpy": pa.int64()})
BUDGETS = pa.schema({"campaign_id": pa.string(), "month": pa.date32(), "amount_jpy": pa.int64()})
FILES = pa.schema({"path": pa.string(), "lines": pa.int64(), "trouble": pa.string()})
TIERS = pa.schema({"person_key": pa.string(), "tier": pa.string(), "valid_from": TIME, "valid_to": TIME})
KPIS = pa.schema({"month": pa.date32(), "kpi": pa.string(), "value": pa.float64()})
ROUTES = pa.schema(
    {"person_key": pa.string(), "right_owner": pa.string(), "due_at": TIME, "reason": pa.string()}
)
WAITS = pa.schema(
    {
        "person_key": pa.string(), "lead_id": pa.string(), "handed_at": TIME, "first_contact_at": TIME,
        "trouble": pa.string(),
    }
)  # fmt: skip
OPPORTUNITIES = pa.schema(
    {
        "opportunity_id": pa.string(), "lead_id": pa.string(), "person_key": pa.string(),
        "cause": pa.string(), "created_at": TIME, "final_stage": pa.string(), "final_stage_at": TIME,
        "amount_jpy": pa.int64(),
    }
)  # fmt: skip
CONSENTS = pa.schema(
    {
        "person_key": pa.string(), "email": pa.string(), "address": pa.string(), "channel": pa.string(),
        "status": pa.string(), "basis": pa.string(), "occurred_at": TIME, "valid_from": TIME,
        "valid_to": TIME, "trouble": pa.string(),
    }
)  # fmt: skip


def write_truth(world: World, written: Written, folder: Path, arguments: dict[str, Any]) -> None:
    """Write the truth files that need the whole world into `folder`."""
    routes = list(figures.routes(world))
    owners = {route["person_key"]: route["right_owner"] for route in routes}
    people = [_person(person, owners.get(person.key)) for person in world.people]
    _write(folder, "people", PEOPLE, [*people, *_staff(world)])
    _write(folder, "companies", COMPANIES, _companies(world))
    _write(folder, "company_spellings", COMPANY_SPELLINGS, _spellings(world))
    _write(folder, "departments", DEPARTMENTS, _departments(world))
    _write_identifiers(folder, world, written)
    _write(folder, "opportunities", OPPORTUNITIES, _opportunities(world))
    _write(folder, "orders", ORDERS, _orders(world))
    _write(folder, "deeds", DEEDS, _deeds(world))
    _write(folder, "activities", ACTIVITIES, _activities(world))
    _write(folder, "costs", COSTS, _costs(world))
    _write(folder, "budgets", BUDGETS, _budgets(world))
    _write(folder, "tiers", TIERS, figures.tiers(world))
    _write(folder, "hazards", HAZARDS, figures.hazards(world))
    _write(folder, "kpis", KPIS, figures.kpis(world, written.visitors))
    _write(folder, "routes", ROUTES, routes)
    _write(folder, "waits", WAITS, _waits(world))
    _write(folder, "consents", CONSENTS, figures.consents(world))
    _write(folder, "files", FILES, _files(written))
    text = json.dumps(_world(world, written, arguments, owners), ensure_ascii=False, indent=2)
    (folder / "world.json").write_text(text + "\n", encoding="utf-8")


def _write(folder: Path, name: str, schema: pa.Schema, rows: Iterable[dict[str, Any]]) -> None:
    _store(folder, name, pa.Table.from_pylist(list(rows), schema=schema))


def _store(folder: Path, name: str, table: pa.Table) -> None:
    pq.write_table(table, folder / f"{name}.parquet", compression="zstd")


_KINDS = {"customer": "prospect"}  # a customer is a prospect who has bought; `origin` tells


def _person(person: Person, right_owner: str | None) -> dict[str, Any]:
    job = person.employments[0]
    jobs = [one for one in person.employments if one.company is not None]
    return {
        "person_key": person.key,
        "kind": _KINDS.get(person.kind, person.kind),
        "origin": person.origin,
        "name": person.name,
        "name_kana": person.kana,
        "email": job.email,
        "emails": [one.email for one in person.employments],
        "phone": job.phone,
        "mobile": person.mobile,
        "company_key": job.company.key if job.company else None,
        "company_keys": [one.company.key for one in jobs],
        "department": job.department or None,
        "department_category": DEPARTMENT_CATEGORIES.get(job.department),
        "position": job.position,
        "prefecture": job.company.prefecture.name if job.company else None,
        "industry": job.company.industry if job.company else None,
        "product": person.product,
        "solution": person.solution,
        "knowledge": person.knowledge,
        "need": person.need,
        "named_on": person.named_on,
        "wants_on": person.wants_on,
        "need_product": person.product,
        "right_owner": right_owner,
        "usual_unit": person.usual_unit or None,
        "is_heroine": person.is_heroine,
        "trouble": person.troubles[0] if person.troubles else None,
        "troubles": person.troubles,
    }


def _staff(world: World) -> Iterable[dict[str, Any]]:
    """Our own people whose tests stand in the files."""
    domain = world.settings["company"]["domain"]
    for key in sorted(
        {one.person_key for one in world.diary.submissions if one.person_key.startswith("staff")}
    ):
        yield {
            "person_key": key, "kind": "staff", "origin": "staff", "name": "テスト 太郎",
            "email": f"test@{domain}", "is_heroine": False, "trouble": "own_staff", "troubles": ["own_staff"],
        }  # fmt: skip


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
            "merged_into": firm.merged_into,
            "changed_on": firm.changes_on,
            "former_name": firm.official(firm.base) if firm.changes_on else None,
            "trouble": firm.trouble or ("link_scanner" if firm.has_mail_gate else None),
        }


def _spellings(world: World) -> Iterable[dict[str, Any]]:
    """Every spelling of every company that stands in some file."""
    for (company, spelling), trouble in sorted(world.diary.spellings.items()):
        yield {"company_key": company, "spelling": spelling, "trouble": trouble}


def _departments(world: World) -> Iterable[dict[str, Any]]:
    for written, official in sorted(world.diary.departments.items()):
        category = DEPARTMENT_CATEGORIES[official]
        trouble = None if written == official else "department_variants"
        yield {
            "department": written,
            "official": official,
            "department_category": category,
            "trouble": trouble,
        }


def _write_identifiers(folder: Path, world: World, written: Written) -> None:
    """Column by column: cookies make this one large."""
    found = [
        *(_labelled(one, world, written) for one in world.diary.identifiers),
        *written.list_rows,
        *_own_identifiers(world),
        *written.cookie_spans,
    ]
    found = [one for one in found if world.calendar.holds(one.starts_at)]
    found.sort(key=lambda one: (one.kind, one.value, one.starts_at, one.person_key or ""))
    columns = [
        pa.array(values, pa.timestamp("s")).cast(TIME) if field.type == TIME else pa.array(values, field.type)
        for values, field in zip(zip(*found, strict=True), IDENTIFIERS, strict=True)
    ]
    _store(folder, "identifiers", pa.Table.from_arrays(columns, schema=IDENTIFIERS))


def _labelled(one: Identifier, world: World, written: Written) -> Identifier:
    """With the troubles that befell it after it was noted."""
    if one.kind == "mail_token" and one.value in world.forwarded:
        return one._replace(trouble="forwarded_mail")
    if one.kind == "submission" and one.value in written.torn_submissions:
        return one._replace(trouble="torn_file")
    if one.kind == "submission" and one.value in world.absent and one.trouble != "mistyped_address":
        return one._replace(trouble="applied_not_attended")
    return one


def _own_identifiers(world: World) -> Iterable[Identifier]:
    """Addresses and phones: each from its employment's first day to the next one's."""
    for person in world.people:
        starts = [world.calendar.starts_at, *(midnight(job.since) for job in person.employments[1:])]
        ends = [*(start - 1 for start in starts[1:]), world.calendar.ends_at - 1]
        for job, start, end in zip(person.employments, starts, ends, strict=True):
            trouble = job.trouble or ("dead_address" if person.address_is_dead else None)
            yield Identifier("email", job.email, person.key, start, end, trouble)
            if job.phone:
                yield Identifier("phone", job.phone, person.key, start, end)
        yield Identifier("mobile", person.mobile, person.key, starts[0], ends[-1])


def _opportunities(world: World) -> list[dict[str, Any]]:
    """`final_stage_at` may lie after the world's end: what will be true, though no file says it yet."""
    return [
        {**deal, "created_at": utc(deal["created_at"]), "final_stage_at": utc(deal["final_stage_at"])}
        for deal in world.diary.opportunities
    ]


def _waits(world: World) -> list[dict[str, Any]]:
    """`first_contact_at` may lie after the world's end, as with opportunities."""
    found = sorted(world.diary.waits, key=lambda wait: wait["lead_id"])
    return [
        {**wait, **{name: utc(wait[name]) for name in ("handed_at", "first_contact_at")}}
        for wait in found
        if world.calendar.holds(wait["handed_at"])
    ]


def _files(written: Written) -> Iterable[dict[str, Any]]:
    for path, lines in sorted(written.lines.items()):
        yield {"path": path, "lines": lines, "trouble": written.troubles.get(path)}


def _orders(world: World) -> list[dict[str, Any]]:
    orders = sorted(world.diary.orders, key=lambda order: (order["ordered_at"], order["order_id"]))
    margins = {row["order_id"]: row["gross_margin_jpy"] for _, row in world.diary.sales.get("orders", [])}
    return [
        {**order, "ordered_at": utc(order["ordered_at"]), "margin_jpy": margins[order["order_id"]]}
        for order in orders
    ]


def _deeds(world: World) -> Iterable[dict[str, Any]]:
    for deed in sorted(world.diary.deeds):
        yield {"person_key": deed.person_key, "kind": deed.kind, "happened_at": utc(deed.moment)}


def _activities(world: World) -> Iterable[dict[str, Any]]:
    """What sellers noted down of what they did; a silent one notes nothing."""
    noted = world.diary.sales.get("activities", [])
    for moment, row in sorted(noted, key=lambda one: (one[0], one[1]["activity_id"])):
        kind, outcome = row["activity_type"], row["outcome"]
        yield {"lead_id": row["lead_id"], "kind": kind, "outcome": outcome, "happened_at": utc(moment)}


def _costs(world: World) -> Iterable[dict[str, Any]]:
    for cost in world.campaigns.costs:
        yield {"campaign_id": cost.campaign_id, "cost_on": cost.day, "amount_jpy": cost.amount_jpy}


def _budgets(world: World) -> Iterable[dict[str, Any]]:
    for _, row in world.diary.desks.get("budgets", []):
        month = date.fromisoformat(f"{row['budget_month']}-01")
        yield {"campaign_id": row["campaign_id"], "month": month, "amount_jpy": row["budget_jpy"]}


def _world(
    world: World, written: Written, arguments: dict[str, Any], owners: dict[str, str]
) -> dict[str, Any]:
    return {
        "arguments": arguments,
        "settings": world.settings,
        "first_day": world.calendar.first.isoformat(),
        "last_day": world.calendar.last.isoformat(),
        "heroine": story(world, owners.get(world.people[0].key)),
        "files": dict(sorted(written.lines.items())),
    }
