"""The way back from HubSpot: what sales people did there -> files of the landing folder.

    contacts, deals with the history of their stage, owners, engagements -> landing/crm/hubspot/*.csv

A contact is a lead here. Every stage comes, not the last one: the history of `dealstage` has each change with
its time. Contacts of which only our own app said anything are no news. Contacts that were merged lead to the
survivor (`hs_merged_object_ids`). What a stage means is the portal's own: won and lost by its pipeline, the
open ones by the third of the way that they stand at. Lists are read whole, 100 contacts or 50 deals at once,
because the search, which could filter by time, stops at 10,000; what did not change is left out here.

Vendor: https://developers.hubspot.com/docs/api-reference/crm-deals-v3/guide,
https://developers.hubspot.com/docs/api-reference/crm-pipelines-v3/guide,
https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide (merging)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import dlt

from ingestion.crm_pull import Row, Survivors, entered, moment, pull_into, resources_of, utc_text, words
from ingestion.hubspot_rest import HubSpotPortal
from ingestion.vendor_calls import CallFailed, Certainty

_TOLD = ("hs_lead_status", "lifecyclestage", "hubspot_owner_id")  # what sales people say of a contact
_CONTACT = (
    *("email", "lastname", "firstname", "company", "jobtitle", "phone", "hs_merged_object_ids", *_TOLD),
)
_DEAL = ("dealname", "amount", "dealstage", "pipeline", "hubspot_owner_id", "closedate")
_OPEN = ("qualified", "proposal", "negotiation")
_ENGAGEMENTS = ("calls", "emails", "meetings", "notes", "tasks")


@dlt.source(name="hubspot")
def hubspot(portal: HubSpotPortal, since: datetime | None = None, id_property: str = "ikusei_id") -> Any:
    """Resources by the names of `kinds.yml`; `since` (UTC) leaves out what did not change after it."""
    return resources_of(_Seen(portal, since, id_property))


def pull(portal: HubSpotPortal, landing: Path, id_property: str = "ikusei_id") -> dict[str, int]:
    """Writes what changed since the last pull; returns rows by kind. Raises CallFailed."""
    return pull_into(landing, "hubspot", lambda since: hubspot(portal, since, id_property))


class _Seen:
    """What one pull asks the portal for; contacts and deals are read once."""

    def __init__(self, portal: HubSpotPortal, since: datetime | None, id_property: str) -> None:
        self._portal, self._since, self._key = portal, since, id_property
        self._contacts = list(portal.pages("contacts", [*_CONTACT, id_property], history=_TOLD))
        self._deals = list(portal.pages("deals", _DEAL, history=["dealstage"], associations="contacts"))
        merged = [
            (gone, item["id"])
            for item in self._contacts
            for gone in str(item["properties"].get("hs_merged_object_ids") or "").split(";")
        ]
        self.survivors = Survivors(merged)
        self._own_app = self._app()
        self._means = self._stages()

    def leads(self) -> Iterator[Row]:
        """Each contact that somebody else than we changed, as it is now."""
        for item in self._contacts:
            if not (self._is_new(item) and self._is_theirs(item)):
                continue
            said = item["properties"]
            name = " ".join(filter(None, [said.get("lastname"), said.get("firstname")]))
            yield {
                "lead_id": _ours(item["id"]),
                "external_id": said.get(self._key),
                "email": said.get("email"),
                "name": name or None,
                "company": said.get("company"),
                "position": said.get("jobtitle"),
                "phone": said.get("phone"),
                "owner_id": _ours(said.get("hubspot_owner_id")),
                "status": said.get("hs_lead_status") or said.get("lifecyclestage"),
                "created_at": utc_text(item["createdAt"]),
                "updated_at": utc_text(item["updatedAt"]),
            }

    def opportunities(self) -> Iterator[Row]:
        """Each changed deal as it is now, also one whose contact was merged since."""
        for item in self._changed_deals():
            said = item["properties"]
            stage = self._means.get(said.get("dealstage"))
            yield {
                "opportunity_id": _ours(item["id"]),
                "lead_id": self._lead(item),
                "name": said.get("dealname"),
                "amount_jpy": said.get("amount"),
                "stage": stage,
                "owner_id": _ours(said.get("hubspot_owner_id")),
                "created_at": utc_text(item["createdAt"]),
                "closed_at": utc_text(said.get("closedate")) if stage in ("won", "lost") else None,
                "updated_at": utc_text(item["updatedAt"]),
            }

    def opportunity_stages(self) -> Iterator[Row]:
        """Each stage that a deal entered, also those it has left since."""
        for item in self._changed_deals():
            history = (item.get("propertiesWithHistory") or {}).get("dealstage", [])
            steps = [(str(utc_text(step["timestamp"])), self._means.get(step["value"])) for step in history]
            for at, stage in entered(steps):
                yield {"opportunity_id": _ours(item["id"]), "stage": stage, "entered_at": at}

    def owners(self) -> Iterator[Row]:
        """Each owner; the unit is the first team that the owner is of."""
        for item in self._portal.call("GET", "/crm/v3/owners", query={"limit": "500"})["results"]:
            teams = item.get("teams") or []
            primary = next((team for team in teams if team.get("primary")), teams[0] if teams else {})
            yield {
                "owner_id": _ours(item["id"]),
                "owner_name": " ".join(filter(None, [item.get("lastName"), item.get("firstName")])) or None,
                "email": item.get("email"),
                "unit_id": primary.get("name"),
                "updated_at": utc_text(item["updatedAt"]),
            }

    def orders(self) -> Iterator[Row]:
        """Each deal that was won: HubSpot's own word for an order."""
        for item in self._changed_deals():
            said = item["properties"]
            if self._means.get(said.get("dealstage")) == "won":
                yield {
                    "order_id": f"{_ours(item['id'])}-won",
                    "opportunity_id": _ours(item["id"]),
                    "lead_id": self._lead(item),
                    "amount_jpy": said.get("amount"),
                    "ordered_at": utc_text(said.get("closedate") or item["updatedAt"]),
                    "updated_at": utc_text(item["updatedAt"]),
                }

    def activities(self) -> Iterator[Row]:
        """Each engagement and each step of a lead's status: that it was and when, not what was written."""
        means = words("hubspot", "activity")
        for kind in _ENGAGEMENTS:
            names = ["hs_timestamp", "hubspot_owner_id"]
            for item in self._portal.pages(kind, names, associations="contacts,deals"):
                if self._is_new(item):
                    yield self._deed(item, means[kind], item["properties"].get("hs_timestamp"))
        for item in self._contacts:
            for step in self._steps(item, "hs_lead_status"):
                deed = {"id": f"{item['id']}-{step['timestamp']}", "properties": {}, "of": item["id"]}
                yield {**self._deed(deed, "lead_status", step["timestamp"]), "outcome": step["value"]}

    # Reading

    def _deed(self, item: Mapping[str, Any], kind: str, at: str | None) -> Row:
        deals = _tied(item, "deals")
        return {
            "activity_id": _ours(item["id"]),
            "lead_id": _ours(self.survivors.of(item.get("of"))) or self._lead(item),
            "opportunity_id": _ours(deals[0]) if deals else None,
            "owner_id": _ours(item["properties"].get("hubspot_owner_id")),
            "activity_type": kind,
            "outcome": None,
            "occurred_at": utc_text(at or item.get("createdAt")),
        }

    def _lead(self, item: Mapping[str, Any]) -> str | None:
        contacts = _tied(item, "contacts")
        return _ours(self.survivors.of(contacts[0])) if contacts else None

    def _changed_deals(self) -> Iterator[Mapping[str, Any]]:
        survivors = {
            item["id"]
            for item in self._contacts
            if item["properties"].get("hs_merged_object_ids") and self._is_new(item)
        }
        for item in self._deals:
            ties = {self.survivors.of(contact) for contact in _tied(item, "contacts")}
            if self._is_new(item) or ties & survivors:
                yield item

    def _is_new(self, item: Mapping[str, Any]) -> bool:
        return self._since is None or moment(item["updatedAt"]) >= self._since

    def _is_theirs(self, item: Mapping[str, Any]) -> bool:
        """Did people, or another app, say anything of this contact? Or was it never ours?"""
        is_ours = bool(item["properties"].get(self._key))
        return not is_ours or any(self._steps(item, name) for name in _TOLD)

    def _steps(self, item: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
        """Changes of a property that our own app did not make, since the last pull."""
        history = (item.get("propertiesWithHistory") or {}).get(name, [])
        return [
            step
            for step in history
            if not (step.get("sourceType") == "INTEGRATION" and str(step.get("sourceId")) == self._own_app)
            and (self._since is None or moment(step["timestamp"]) >= self._since)
        ]

    def _app(self) -> str | None:
        """The id of our own private app, by which HubSpot marks what it wrote."""
        try:
            said = self._portal.call(
                "POST", "/oauth/v2/private-apps/get/access-token-info", {"tokenKey": self._portal.token}
            )
        except CallFailed as error:
            if error.certainty in (Certainty.NOT_ALLOWED, Certainty.REFUSED):
                return None  # a token of OAuth has no such page; then nothing is taken for our own
            raise
        return str(said["appId"])

    def _stages(self) -> dict[str, str]:
        """Stage id -> stage of the funnel, over all pipelines of deals."""
        means: dict[str, str] = {}
        for pipeline in self._portal.call("GET", "/crm/v3/pipelines/deals")["results"]:
            stages = sorted(pipeline["stages"], key=lambda stage: stage["displayOrder"])
            still_open = [stage for stage in stages if stage["metadata"].get("isClosed") != "true"]
            for place, stage in enumerate(still_open):
                means[stage["id"]] = _OPEN[place * len(_OPEN) // len(still_open)]
            for stage in stages:
                if stage["metadata"].get("isClosed") == "true":
                    is_won = float(stage["metadata"].get("probability", 0)) == 1.0
                    means[stage["id"]] = "won" if is_won else "lost"
        return means


def _tied(item: Mapping[str, Any], kind: str) -> list[str]:
    rows = ((item.get("associations") or {}).get(kind) or {}).get("results", [])
    return sorted({str(row["id"]) for row in rows}, key=lambda key: (len(key), key))


def _ours(key: str | None) -> str | None:
    """HubSpot's ids are plain numbers, as those of other CRMs: ours say where they come from."""
    return f"hubspot-{key}" if key else None
