"""The way back from Salesforce: what sales people did there -> files of the landing folder.

    Lead, LeadHistory, Opportunity, OpportunityHistory, User, Order, Task, Event -> landing/crm/salesforce/

Every stage comes, not the last one: OpportunityHistory has each change of a stage with its time, also those
between two pulls. A lead that only our own user wrote is no news; for the others field tracking of the lead's
status and owner gives each step. Whoever was merged leads to the survivor (`MasterRecordId`), and what
happened to the contact of a converted lead is told of the lead (`ConvertedContactId`). What a stage means is
the org's own word, `OpportunityStage.ForecastCategory`, read through `crm_words.csv`.

Vendor: https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/
sforce_api_objects_opportunityhistory.htm, sforce_api_objects_leadhistory.htm, sforce_api_objects_lead.htm
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dlt

from ingestion.crm_pull import Row, Survivors, entered, pull_into, resources_of, utc_text, words
from ingestion.salesforce_rest import SalesforceOrg, quoted
from ingestion.vendor_calls import CallFailed

_LEAD = (
    "Id, Ikusei_Id__c, Email, LastName, FirstName, Company, Title, Phone, OwnerId, Status, IsDeleted, "
    "MasterRecordId, IsConverted, ConvertedContactId, ConvertedOpportunityId, CreatedDate, SystemModstamp, "
    "LastModifiedById"
)
_OPPORTUNITY = "Id, Name, Amount, StageName, OwnerId, CloseDate, CreatedDate, SystemModstamp"
_AT_ONCE = 100


@dlt.source(name="salesforce")
def salesforce(org: SalesforceOrg, since: datetime | None = None, external_id: str = "Ikusei_Id__c") -> Any:
    """Resources by the names of `kinds.yml`; `since` (UTC) leaves out what did not change after it.

    `external_id` is the field that our sync writes its key into.
    """
    return resources_of(_Seen(org, since, external_id))


def pull(org: SalesforceOrg, landing: Path, external_id: str = "Ikusei_Id__c") -> dict[str, int]:
    """Writes what changed since the last pull; returns rows by kind. Raises CallFailed."""
    return pull_into(landing, "salesforce", lambda since: salesforce(org, since, external_id))


class _Seen:
    """What one pull asks the org for; leads and their ties are read once."""

    def __init__(self, org: SalesforceOrg, since: datetime | None, external_id: str) -> None:
        self._org, self._external_id = org, external_id
        self._after = f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if since else None
        # All leads that are tied to something: who was merged, and who was converted into what.
        merged = f"SELECT Id, MasterRecordId, {external_id} FROM Lead WHERE MasterRecordId != null"
        self._merged = list(org.query(merged, is_with_deleted=True))
        tied = "SELECT Id, ConvertedContactId, ConvertedOpportunityId FROM Lead WHERE IsConverted = true"
        converted = list(org.query(tied))
        self.survivors = Survivors((row["Id"], row["MasterRecordId"]) for row in self._merged)
        self._lead_of = {row["ConvertedContactId"]: row["Id"] for row in converted}
        self._lead_of |= {row["ConvertedOpportunityId"]: row["Id"] for row in converted}

    def leads(self) -> Iterator[Row]:
        """Each lead that somebody else than we changed, as it is now; under the survivor's id."""
        steps = self._lead_steps()
        theirs = {row["LeadId"] for row in steps}
        rows = list(self._changed("Lead", _LEAD.replace("Ikusei_Id__c", self._external_id)))
        keys = self._keys_of_the_merged()
        for row in rows:
            is_ours = row["LastModifiedById"] == self._org.user_id and row["Id"] not in theirs
            if is_ours and not row["IsConverted"]:
                continue
            name = " ".join(filter(None, [row.get("LastName"), row.get("FirstName")]))
            yield {
                "lead_id": row["Id"],
                "external_id": row.get(self._external_id) or keys.get(row["Id"]),
                "email": row.get("Email"),
                "name": name or None,
                "company": row.get("Company"),
                "position": row.get("Title"),
                "phone": row.get("Phone"),
                "owner_id": row.get("OwnerId"),
                "status": row.get("Status"),
                "created_at": utc_text(row["CreatedDate"]),
                "updated_at": utc_text(row["SystemModstamp"]),
            }

    def opportunities(self) -> Iterator[Row]:
        """Each changed opportunity as it is now, with the lead that it came out of."""
        means = self._stages()
        for row in self._changed("Opportunity", _OPPORTUNITY):
            stage = means.get(row["StageName"])
            yield {
                "opportunity_id": row["Id"],
                "lead_id": self._lead(row["Id"]),
                "name": row.get("Name"),
                "amount_jpy": _text(row.get("Amount")),
                "stage": stage,
                "owner_id": row.get("OwnerId"),
                "created_at": utc_text(row["CreatedDate"]),
                "closed_at": row.get("CloseDate") if stage in ("won", "lost") else None,
                "updated_at": utc_text(row["SystemModstamp"]),
            }

    def opportunity_stages(self) -> Iterator[Row]:
        """Each stage that an opportunity entered, also those it has left since."""
        means, changed = self._stages(), {row["Id"] for row in self._changed("Opportunity", "Id")}
        steps: dict[str, list[tuple[str, str | None]]] = defaultdict(list)
        names = "Id, OpportunityId, StageName, CreatedDate"
        for some in _chunks(sorted(changed)):
            inside = ", ".join(map(quoted, some))
            asked = f"SELECT {names} FROM OpportunityHistory WHERE OpportunityId IN ({inside})"
            for row in self._org.query(asked):
                steps[row["OpportunityId"]].append(
                    (str(utc_text(row["CreatedDate"])), means.get(row["StageName"]))
                )
        for key in sorted(steps):
            for at, stage in entered(steps[key]):
                yield {"opportunity_id": key, "stage": stage, "entered_at": at}

    def owners(self) -> Iterator[Row]:
        """Each user; the unit's id stands in the user's Department."""
        for row in self._org.query("SELECT Id, Name, Email, Department, SystemModstamp FROM User"):
            yield {
                "owner_id": row["Id"],
                "owner_name": row.get("Name"),
                "email": row.get("Email"),
                "unit_id": row.get("Department"),
                "updated_at": utc_text(row["SystemModstamp"]),
            }

    def orders(self) -> Iterator[Row]:
        """Each activated order; where the org has no orders, each opportunity that was won."""
        names = "Id, OrderNumber, OpportunityId, TotalAmount, EffectiveDate, StatusCode, SystemModstamp"
        try:
            rows = list(self._changed("Order", names))
        except CallFailed as error:
            if error.code != "INVALID_TYPE":
                raise
            yield from self._won()
            return
        for row in rows:
            if row.get("StatusCode") == "Activated":
                yield {
                    "order_id": row["Id"],
                    "opportunity_id": row.get("OpportunityId"),
                    "lead_id": self._lead(row.get("OpportunityId")),
                    "amount_jpy": _text(row.get("TotalAmount")),
                    "ordered_at": row.get("EffectiveDate"),
                    "updated_at": utc_text(row["SystemModstamp"]),
                }

    def _won(self) -> Iterator[Row]:
        for row in self.opportunities():
            if row["stage"] == "won":
                yield {
                    "order_id": f"{row['opportunity_id']}-won",
                    "opportunity_id": row["opportunity_id"],
                    "lead_id": row["lead_id"],
                    "amount_jpy": row["amount_jpy"],
                    "ordered_at": row["closed_at"],
                    "updated_at": row["updated_at"],
                }

    def activities(self) -> Iterator[Row]:
        """Each task, each event, each step of a lead's status: that it was and when, not what was written."""
        means = words("salesforce", "activity")
        names = "Id, WhoId, WhatId, OwnerId, TaskSubtype, Status, CreatedById, CreatedDate, SystemModstamp"
        for row in self._changed("Task", names):
            kind = means.get(row.get("TaskSubtype") or "", "task")
            yield self._deed(row, kind, utc_text(row["CreatedDate"]), row.get("Status"))
        names = "Id, WhoId, WhatId, OwnerId, CreatedById, ActivityDateTime, SystemModstamp"
        for row in self._changed("Event", names):
            yield self._deed(row, means["Event"], utc_text(row.get("ActivityDateTime")), None)
        for row in self._lead_steps():
            if row["Field"] == "Status":
                deed = {"Id": row["Id"], "WhoId": row["LeadId"], "OwnerId": row["CreatedById"]}
                yield self._deed(deed, "lead_status", utc_text(row["CreatedDate"]), row.get("NewValue"))

    # Reading

    def _deed(self, row: Mapping[str, Any], kind: str, at: str | None, outcome: Any) -> Row:
        what = row.get("WhatId") or ""
        opportunity = what if str(what).startswith("006") else None
        return {
            "activity_id": row["Id"],
            "lead_id": self._lead(row.get("WhoId")) or self._lead(opportunity),
            "opportunity_id": opportunity,
            "owner_id": row.get("OwnerId"),
            "activity_type": kind,
            "outcome": _text(outcome),
            "occurred_at": at,
        }

    def _lead(self, key: str | None) -> str | None:
        """The lead that a lead, contact or opportunity leads to; None when there is none."""
        lead = self._lead_of.get(key or "", key)
        lead = self.survivors.of(lead)
        return lead if str(lead or "").startswith("00Q") else None

    def _changed(self, kind: str, names: str) -> Iterator[Row]:
        where = f" WHERE SystemModstamp >= {self._after}" if self._after else ""
        yield from self._org.query(f"SELECT {names} FROM {kind}{where} ORDER BY SystemModstamp")

    def _lead_steps(self) -> list[Row]:
        """Tracked changes of leads that others made; none where the org tracks no field of leads."""
        after = f" AND CreatedDate >= {self._after}" if self._after else ""
        ours = quoted(self._org.user_id or "")
        asked = "SELECT Id, LeadId, Field, NewValue, CreatedDate, CreatedById FROM LeadHistory"
        try:
            return list(self._org.query(f"{asked} WHERE CreatedById != {ours}{after}"))
        except CallFailed as error:
            if error.code != "INVALID_TYPE":
                raise
            return []

    def _keys_of_the_merged(self) -> dict[str, str]:
        """Survivor -> our key of one that was merged into it, for a survivor that we had never sent."""
        found: dict[str, str] = {}
        for row in sorted(self._merged, key=lambda row: str(row.get(self._external_id))):
            if row.get(self._external_id):
                found.setdefault(str(self.survivors.of(row["Id"])), row[self._external_id])
        return found

    def _stages(self) -> dict[str, str]:
        means = words("salesforce", "forecast")
        asked = "SELECT MasterLabel, ForecastCategory FROM OpportunityStage"
        rows = self._org.query(asked)
        return {row["MasterLabel"]: means.get(row["ForecastCategory"], "") for row in rows}


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _AT_ONCE):
        yield keys[start : start + _AT_ONCE]


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
