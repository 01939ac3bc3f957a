"""The way back from BottleCRM: what sales people did there -> files of the landing folder.

    leads, opportunities -> landing/crm/bottlecrm/*.csv

BottleCRM keeps no history of stages, only when the present one was entered (`stage_changed_at`). Each pull
brings that stage, so the history is complete as far as pulls are more frequent than changes. Leads that
nobody has touched since we sent them are no news. A converted lead leaves its lists; its deal has
`source_ref`, which is our key, so that the lead comes back from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import dlt

from ingestion.bottlecrm_rest import BottleOrg
from ingestion.crm_pull import Row, entered, moment, pull_into, utc_text, words


@dlt.source(name="bottlecrm")
def bottlecrm(org: BottleOrg, since: datetime | None = None) -> Any:
    """Resources by the names of `kinds.yml`; `since` (UTC) leaves out leads that did not change after it."""
    leads_there, deals = list(org.leads()), list(org.opportunities())
    changed = [lead for lead in leads_there if since is None or moment(lead["updated_at"]) > since]
    return [
        dlt.resource(_leads(changed, deals), name="leads"),
        dlt.resource(_opportunities(deals), name="opportunities"),
        dlt.resource(_stages(deals), name="opportunity_stages"),
        dlt.resource(_owners(leads_there), name="owners"),
        dlt.resource(_orders(deals), name="orders"),
        dlt.resource(_activities(changed), name="activities"),
    ]


def pull(org: BottleOrg, landing: Path) -> dict[str, int]:
    """Writes what changed since the last pull; returns rows by kind. Raises CallFailed."""
    return pull_into(landing, "bottlecrm", lambda since: bottlecrm(org, since))


def _leads(leads: list[Row], deals: list[Row]) -> Iterator[Row]:
    for lead in leads:
        is_untouched = lead["status"] == "assigned" and not lead["assigned_to"]
        if not (is_untouched and not lead["first_response_at"]):
            yield {
                "lead_id": _lead_id(lead),
                "external_id": lead["external_id"] or None,
                "email": lead["email"],
                "name": lead["last_name"],
                "owner_id": lead["assigned_to"][0]["id"] if lead["assigned_to"] else None,
                "status": lead["status"],
                "created_at": utc_text(lead["created_at"]),
                "updated_at": utc_text(lead["updated_at"]),
            }
    for deal in deals:
        if deal["source_ref"]:
            contact = deal["contacts"][0] if deal["contacts"] else {}
            yield {
                "lead_id": deal["source_ref"],
                "external_id": deal["source_ref"],
                "email": contact.get("email"),
                "name": contact.get("last_name"),
                "owner_id": deal["assigned_to"][0]["id"] if deal["assigned_to"] else None,
                "status": "converted",
                "created_at": utc_text(deal["created_at"]),
                "updated_at": utc_text(deal["stage_changed_at"] or deal["created_at"]),
            }


def _opportunities(deals: list[Row]) -> Iterator[Row]:
    for deal in deals:
        is_over = deal["stage_kind"] in ("won", "lost")
        yield {
            "opportunity_id": deal["id"],
            "lead_id": deal["source_ref"] or None,
            "name": deal["name"],
            "amount_jpy": deal["amount"],
            "stage": _stage(deal),
            "owner_id": deal["assigned_to"][0]["id"] if deal["assigned_to"] else None,
            "created_at": utc_text(deal["created_at"]),
            "closed_at": utc_text(deal["stage_changed_at"]) if is_over else None,
            "updated_at": utc_text(deal["stage_changed_at"] or deal["created_at"]),
        }


def _stages(deals: list[Row]) -> Iterator[Row]:
    for deal in deals:
        at = utc_text(deal["stage_changed_at"] or deal["created_at"])
        for when, stage in entered([(at, _stage(deal))]):
            yield {"opportunity_id": deal["id"], "stage": stage, "entered_at": when}


def _owners(leads: list[Row]) -> Iterator[Row]:
    seen: dict[str, Row] = {}
    for lead in leads:
        for owner in lead["assigned_to"]:
            name = (owner.get("user_details") or {}).get("email")
            seen[owner["id"]] = {"owner_id": owner["id"], "owner_name": name, "unit_id": None}
    yield from seen.values()


def _orders(deals: list[Row]) -> Iterator[Row]:
    """Each deal that was won; the day is the one that it was closed on."""
    for deal in deals:
        if deal["stage_kind"] == "won":
            yield {
                "order_id": f"{deal['id']}-won",
                "opportunity_id": deal["id"],
                "lead_id": deal["source_ref"] or None,
                "amount_jpy": deal["amount"],
                "ordered_at": deal["closed_on"] or utc_text(deal["stage_changed_at"]),
                "updated_at": utc_text(deal["stage_changed_at"]),
            }


def _activities(leads: list[Row]) -> Iterator[Row]:
    """The first answer that somebody gave to a lead: that it was and when."""
    for lead in leads:
        if lead["first_response_at"]:
            yield {
                "activity_id": f"{lead['id']}-first-response",
                "lead_id": _lead_id(lead),
                "opportunity_id": None,
                "activity_type": "mail",
                "occurred_at": utc_text(lead["first_response_at"]),
            }


def _lead_id(lead: Row) -> str:
    """Our key where the lead came from us, so that it is the same before and after its conversion."""
    return lead["external_id"] or lead["id"]


def _stage(deal: Row) -> str:
    if deal["stage_kind"] in ("won", "lost"):
        return deal["stage_kind"]
    return words("bottlecrm", "stage").get(deal["stage"], "qualified")
