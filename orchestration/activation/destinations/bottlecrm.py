"""BottleCRM: leads -> its lead webhook ("intake"), which keeps one lead a key; changes -> the lead itself.

The intake answers `created`, `duplicate` (it knows the key and changes nothing) or `merged` (another lead has
that address: the two are one there). A merged lead is the other lead's record, so nothing more is written to
it under this key; the answer and the survivor's id stand in the ledger. There is no compare-and-set: a late
older change is found by the look after sending and written over. The intake's mapping must lead each field
that is sent to the field of the same name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ingestion.bottlecrm_rest import BottleOrg
from ingestion.vendor_calls import CallFailed, Certainty
from orchestration.activation.configuration import Sync
from orchestration.activation.destinations import (
    CLOSED,
    Answer,
    Guarantee,
    Message,
    Outcome,
    Seen,
    json_value,
    keyed,
    masked,
    needed_secret,
)
from orchestration.activation.destinations.webhook import checked_url

FIELDS = ("first_name", "last_name", "email", "phone", "company_name", "job_title", "website", "description")
_CLOSED = frozenset({"converted", "closed"})
_REFUSALS = (Certainty.REFUSED,)


class BottleCrm(keyed.KeyedDestination):
    """The leads of one organisation that came in by one intake."""

    guarantee: ClassVar = Guarantee(
        "B", "created exactly once by the intake's own key; a late older change is found and mended"
    )
    modes: ClassVar = frozenset({"insert", "update_only", "upsert"})
    secrets: ClassVar = frozenset({"url", "token", "intake", "intake_key"})
    known_options: ClassVar = keyed.KEYED_OPTIONS - {"archive_values", "restore_values"}
    most_rows_per_call: ClassVar = 20

    def __init__(self, sync: Sync, org: BottleOrg) -> None:
        super().__init__(sync)
        self._org = org
        self._ids: dict[str, str] | None = None  # key -> id of its lead
        self._merged: dict[str, str] = {}  # key -> id of the lead that took it in

    @classmethod
    def open(cls, sync: Sync, out_dir: Path, secrets: Mapping[str, str]) -> BottleCrm:
        """Checks the address and names what is missing. Raises NotConfigured."""
        seconds = keyed.checked_keyed_options(sync)
        url = checked_url(needed_secret(sync, "url", secrets), sync.secrets["url"])
        token, intake, key = (
            needed_secret(sync, name, secrets) for name in ("token", "intake", "intake_key")
        )
        return cls(sync, BottleOrg(url, token, intake, key, seconds))

    @property
    def requests(self) -> int:
        """HTTP requests so far."""
        return self._org.requests

    def close(self) -> None:
        """Closes the connections."""
        self._org.close()

    def trouble_of(self, sync: Sync) -> str | None:
        """A field that no lead has; the server's own list of them is not asked for."""
        unknown = [item.name for item in sync.sent_fields if item.name not in FIELDS]
        return f"the field '{unknown[0]}' is not one of a lead there; mend the mapping" if unknown else None

    def find(self, messages: Sequence[Message]) -> dict[str, keyed.Remote]:
        """Looks at the lead of each key; who was merged is finished with."""
        self._know_ids()
        found = {}
        for message in messages:
            key = message.key
            if key in self._merged:
                found[key] = keyed.Remote(self._merged[key], is_closed=True)
            elif key in self._ids and (lead := self._org.lead(self._ids[key])):
                self._mark(lead)
                found[key] = _remote(lead)
        return found

    def find_keys(self, keys: Sequence[str] | None) -> dict[str, keyed.Remote]:
        """Reads every lead anew: the list cannot be asked by key."""
        self._ids = None
        found = {lead["external_id"]: _remote(lead) for lead in self._know_ids()}
        found |= {key: keyed.Remote(lead_id, is_closed=True) for key, lead_id in self._merged.items()}
        return found if keys is None else {key: found[key] for key in keys if key in found}

    def find_merged(self) -> Mapping[str, str]:
        """Key of a lead that the intake took for another one -> key of that one."""
        of_lead = {lead_id: key for key, lead_id in (self._ids or {}).items()}
        return {key: of_lead[lead_id] for key, lead_id in self._merged.items() if lead_id in of_lead}

    def look(self) -> Mapping[str, Seen]:
        """Every lead, and each key that was merged as what it is."""
        seen = dict(super().look())
        for key, into in self.find_merged().items():
            seen[key] = Seen(CLOSED, remote_id=self._merged[key], merged_into=into)
        return seen

    def write(self, writes: Sequence[keyed.Write]) -> list[Answer | None]:
        """One request a row: a refusal or a doubt is that row's own, silence that of all which follow."""
        answers: list[Answer | None] = []
        for place, write in enumerate(writes):
            try:
                answers.append(self._written(write))
            except CallFailed as error:
                if error.certainty is Certainty.IN_DOUBT:
                    answers.append(keyed.answer_of(error, write.message, is_doubtful=True))
                    continue
                return answers + [
                    keyed.answer_of(error, w.message, is_doubtful=False) for w in writes[place:]
                ]
        return answers

    def _written(self, write: keyed.Write) -> Answer | None:
        values = {name: json_value(value) for name, value in write.values.items()}
        try:
            if write.remote is None:
                return self._arrived(write.message.key, values)
            self._org.change(write.remote.remote_id, values)
        except CallFailed as error:
            if error.certainty not in _REFUSALS:
                raise
            text = masked(error.text, write.message)
            return Answer(Outcome.REJECTED, error.status, "rejected", error.code, text)
        return Answer(Outcome.ACKED, 200, remote_id=write.remote.remote_id)

    def _arrived(self, key: str, values: Mapping[str, Any]) -> Answer | None:
        said = self._org.arrive({**values, "external_id": key})
        result, lead_id = said.get("result"), said.get("lead")
        if result == "created" and lead_id:
            self._ids[key] = lead_id
            self._org.change(lead_id, {"source_ref": key})
            return Answer(Outcome.ACKED, 201, remote_id=lead_id)
        if result == "merged" and lead_id:
            self._merged[key] = lead_id
            return Answer(Outcome.ACKED, 200, vendor_code="merged", remote_id=lead_id)
        if result == "duplicate" and lead_id:  # a former self created it; the next look reads it
            lead = self._org.lead(lead_id)
            known = self._ids if lead and lead["external_id"] == key else self._merged
            known[key] = lead_id
            return None
        return Answer(Outcome.UNKNOWN, 200, "answers_missing")

    def _mark(self, lead: Mapping[str, Any]) -> None:
        """A deal inherits `source_ref`, not `external_id`, and the intake cannot set it: so it is written."""
        if not lead["source_ref"] and lead["status"] not in _CLOSED:
            self._org.change(lead["id"], {"source_ref": lead["external_id"]})

    def _know_ids(self) -> list[dict[str, Any]]:
        """Ids by key, read once; the intake's memory says who was merged."""
        if self._ids is not None:
            return []
        mine = f"intake:{self._org.intake_id}"
        leads = [lead for lead in self._org.leads() if lead["external_source"] == mine]
        self._ids = {lead["external_id"]: lead["id"] for lead in leads}
        for arrival in self._org.arrivals():  # the list leaves out who was converted, and who was merged
            key, lead_id = arrival["external_id"], arrival["lead"]
            if not (lead_id and key) or key in self._ids or key in self._merged:
                continue
            lead = self._org.lead(lead_id)
            if lead is not None and lead["external_id"] == key:
                self._ids[key] = lead_id
                leads.append(lead)
            elif lead is not None:
                self._merged[key] = lead_id
        return leads

    def canonical(self, name: str, value: Any) -> str:
        """As BottleCRM stores it: an address in its own spelling, a telephone number as it was written."""
        return keyed.plain_text(value)


def _remote(lead: Mapping[str, Any]) -> keyed.Remote:
    values = {name: lead.get(name) for name in FIELDS}
    is_closed = lead["status"] in _CLOSED
    return keyed.Remote(lead["id"], values, is_closed=is_closed, changed_at=lead["updated_at"])
