"""HubSpot: rows -> contacts, or leads with their contact, 100 a call, keyed by a unique property of ours.

    look: batch/read by the property; a contact without it is found by its address and adopted
    write: batch/upsert by the property; a new lead by batch/create, because HubSpot wants its contact with it

Batches are not atomic: 207 holds what was done and an error for each of the others, named by the
`objectWriteTraceId` that we gave it. HubSpot knows neither versions nor compare-and-set, so a late older
write can land over a newer one; the verify pass finds that and the next apply mends it. `contact.<property>`
in a sync of leads is a first value for the contact of a new lead; what it has is kept.

Vendor: https://developers.hubspot.com/docs/api-reference/crm-leads-v3/guide,
https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from ingestion.hubspot_rest import API_VERSION, HOST, ROWS_PER_BATCH, HubSpotPortal
from orchestration.activation.configuration import Sync
from orchestration.activation.destinations import (
    Answer,
    Guarantee,
    Message,
    NotConfigured,
    Outcome,
    json_value,
    keyed,
    masked,
    needed_secret,
)
from orchestration.activation.destinations.webhook import checked_url

LEAD_TO_PRIMARY_CONTACT = 578  # HubSpot's own association type of a lead and its primary contact
_CONTACT = "contact."
_ASK_LATER = {"RATE_LIMITS", "RATE_LIMIT", "SERVICE_UNAVAILABLE"}


class HubSpot(keyed.KeyedDestination):
    """One object type of one portal."""

    guarantee: ClassVar = Guarantee(
        "A", "exactly once by a unique property; a late older write is found by the verify pass and mended"
    )
    package: ClassVar = ("hubspot", "hubspot")
    secrets: ClassVar = frozenset({"token"})
    needed_options: ClassVar = frozenset({"object", "id_property"})
    known_options: ClassVar = keyed.KEYED_OPTIONS | {
        *("api_version", "closed_when", "contact_id_property", "association_type_id", "adopt_by", "url")
    }
    most_rows_per_call: ClassVar = ROWS_PER_BATCH

    def __init__(self, sync: Sync, portal: HubSpotPortal) -> None:
        super().__init__(sync)
        self._portal, options = portal, sync.options
        self._object, self._key = str(options["object"]), str(options["id_property"])
        self._contact_key = str(options.get("contact_id_property", self._key))
        self._association = int(options.get("association_type_id", LEAD_TO_PRIMARY_CONTACT))
        self._closed_when = dict(options.get("closed_when") or {})
        self._of_contact = [name for name in self.names if name.startswith(_CONTACT)]
        adopt_by = options.get("adopt_by", "email")
        mapped = f"{_CONTACT}{adopt_by}" if self._object == "leads" else adopt_by
        self._address = mapped if mapped in self.names else None
        self._types: dict[str, str] = {}
        self._conflicts: set[str] = set()

    @classmethod
    def open(cls, sync: Sync, out_dir: Path, secrets: Mapping[str, str]) -> HubSpot:
        """Checks the token and the mapping. Raises NotConfigured naming the variable, never its value."""
        token = needed_secret(sync, "token", secrets)
        url = checked_url(str(sync.options.get("url", HOST)), f"{sync.path}: options.url")
        seconds = keyed.checked_keyed_options(sync)
        for item in sync.sent_fields:
            if item.name.startswith(_CONTACT) and item.ownership != "fill":
                raise NotConfigured(
                    f"{sync.path}: '{item.name}' belongs to whoever knows the person; its ownership is fill."
                )
        version = str(sync.options.get("api_version", API_VERSION))
        with keyed.needs_package(sync):
            portal = HubSpotPortal(token, url=url, version=version, timeout_seconds=seconds)
        return cls(sync, portal)

    @property
    def requests(self) -> int:
        """HTTP requests so far."""
        return self._portal.requests

    def close(self) -> None:
        """Closes the connections."""
        self._portal.close()

    def trouble_of(self, sync: Sync) -> str | None:
        """Compares the mapping with the properties of the portal."""
        wanted = {self._object: [name for name in self.names if name not in self._of_contact]}
        if self._of_contact:
            wanted["contacts"] = [name.removeprefix(_CONTACT) for name in self._of_contact]
        for kind, names in wanted.items():
            there = self._properties(kind)
            key = self._key if kind == self._object else self._contact_key
            if not there.get(key, {}).get("hasUniqueValue"):
                return f"{kind} needs a text property '{key}' that requires unique values"
            for name in names:
                if name not in there:
                    return f"the property '{name}' is not in {kind}; mend the mapping"
                if (there[name].get("modificationMetadata") or {}).get("readOnlyValue"):
                    return f"HubSpot lets nobody write {kind}.{name}; give it the ownership never"
        return None

    def canonical(self, name: str, value: Any) -> str:
        """HubSpot keeps all as text: numbers lose their zeros, times their spelling, addresses their case."""
        if not self._types:
            self._properties(self._object)
        kind = self._types.get(name)
        if kind == "number":
            return keyed.number_text(value)
        text = keyed.plain_text(value)
        if kind == "datetime" and "T" in text:
            return datetime.fromisoformat(text.replace("Z", "+00:00")).isoformat(timespec="milliseconds")
        return text.lower() if name.endswith("email") else text

    # Looking

    def find(self, messages: Sequence[Message]) -> dict[str, keyed.Remote]:
        """What the portal has under the keys; contacts also under their addresses."""
        found = self.find_keys([message.key for message in messages])
        if self._object == "contacts":
            self._adopt([m for m in messages if m.key not in found and m.op == "upsert"], found)
        return found

    def find_keys(self, keys: Sequence[str] | None) -> dict[str, keyed.Remote]:
        """By our property, or every object that has it."""
        names = [name for name in self.names if name not in self._of_contact]
        names = list(dict.fromkeys([self._key, *names, *self._closed_when, *self.archive_values]))
        if keys is None:
            objects: Iterator[dict[str, Any]] = self._portal.pages(self._object, names)
        else:
            objects = self._portal.read(self._object, keys, names, id_property=self._key)
        return {
            item["properties"][self._key]: self._remote(item)
            for item in objects
            if item["properties"].get(self._key)
        }

    def _remote(self, item: Mapping[str, Any]) -> keyed.Remote:
        values = item["properties"]
        is_closed = any(values.get(name) == str(value) for name, value in self._closed_when.items())
        return keyed.Remote(str(item["id"]), values, is_closed=is_closed, changed_at=item.get("updatedAt"))

    def _adopt(self, messages: Sequence[Message], found: dict[str, keyed.Remote]) -> None:
        """A contact that people made by hand has no key of ours: it is found by its address."""
        if self._address is None or not messages:
            return
        by_address = self._contacts_by_address(messages)
        for message in messages:
            item = by_address.get(self._address_of(message))
            if item is not None:
                remote = self._remote(item)
                remote.is_adopted = True
                if item["properties"].get(self._contact_key):
                    remote.trouble = "address_taken"  # another of our rows has this address there
                found[message.key] = remote

    def _contacts_by_address(self, messages: Sequence[Message]) -> dict[str, dict[str, Any]]:
        field = str(self._address).removeprefix(_CONTACT)
        addresses = sorted({address for m in messages if (address := self._address_of(m))})
        names = [self._contact_key, field, *(name.removeprefix(_CONTACT) for name in self.names)]
        read = self._portal.read("contacts", addresses, list(dict.fromkeys(names)), id_property=field)
        return {str(item["properties"].get(field, "")).lower(): item for item in read}

    def _address_of(self, message: Message) -> str:
        if self._address is None:
            return ""
        said = {**message.fill, **message.fields}
        return str(said.get(self._address) or "").strip().lower()

    # Writing

    def batches(self, writes: Sequence[keyed.Write]) -> Iterator[list[keyed.Write]]:
        """Adopted contacts by their id, new leads with their contact, all others by upsert."""
        adopted = [w for w in writes if w.remote is not None and w.remote.is_adopted]
        created = [w for w in writes if w.remote is None and self._object == "leads"]
        others = [w for w in writes if w not in adopted and w not in created]
        yield from (batch for batch in (adopted, created, others) if batch)

    def write(self, writes: Sequence[keyed.Write]) -> list[Answer | None]:
        """One batch; what is neither among the results nor the errors is in doubt."""
        if writes[0].remote is not None and writes[0].remote.is_adopted:
            rows = [{"id": w.remote.remote_id, **self._row(w)} for w in writes if w.remote]
            return self._done(writes, self._batch(self._object, "update", rows))
        if writes[0].remote is None and self._object == "leads":
            return self._create_leads(writes)
        rows = [{"id": w.message.key, "idProperty": self._key, **self._row(w)} for w in writes]
        return self._done(writes, self._batch(self._object, "upsert", rows))

    def delete(self, doomed: Sequence[tuple[Message, keyed.Remote]]) -> list[Answer | None]:
        """Archives: people can restore what they miss for 90 days."""
        rows = [{"id": remote.remote_id} for _, remote in doomed]
        self._batch(self._object, "archive", rows)
        return [Answer(Outcome.ACKED, 204, remote_id=remote.remote_id) for _, remote in doomed]

    def _create_leads(self, writes: Sequence[keyed.Write]) -> list[Answer | None]:
        contacts = self._contacts(writes)
        ready = [write for write in writes if isinstance(contacts[write.message.key], str)]
        rows = [
            {**self._row(write), "associations": self._to(contacts[write.message.key])} for write in ready
        ]
        answers = dict.fromkeys(contacts) | {
            key: answer for key, answer in contacts.items() if isinstance(answer, Answer)
        }
        if ready:
            made = self._done(ready, self._batch("leads", "create", rows))
            answers |= {write.message.key: answer for write, answer in zip(ready, made, strict=True)}
        return [answers[write.message.key] for write in writes]

    def _to(self, contact_id: Any) -> list[dict[str, Any]]:
        kind = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": self._association}
        return [{"to": {"id": contact_id}, "types": [kind]}]

    def _contacts(self, writes: Sequence[keyed.Write]) -> dict[str, str | Answer | None]:
        """Key -> id of the contact of a new lead, found or made; an answer where that failed."""
        keys, names = [write.message.key for write in writes], [self._contact_key]
        found: dict[str, str | Answer | None] = {
            item["properties"][self._contact_key]: str(item["id"])
            for item in self._portal.read("contacts", keys, names, id_property=self._contact_key)
        }
        missing = [write for write in writes if write.message.key not in found]
        if self._address and missing:
            by_address = self._contacts_by_address([write.message for write in missing])
            for write in missing:
                if item := by_address.get(self._address_of(write.message)):
                    found[write.message.key] = str(item["id"])
        new = [write for write in missing if write.message.key not in found]
        if new:
            rows = [{"id": w.message.key, "idProperty": self._contact_key, **self._contact(w)} for w in new]
            answers = self._done(new, self._batch("contacts", "upsert", rows), self._contact_key)
            for write, answer in zip(new, answers, strict=True):
                is_made = answer is not None and answer.outcome is Outcome.ACKED
                found[write.message.key] = answer.remote_id if is_made else answer
        return found

    def _contact(self, write: keyed.Write) -> dict[str, Any]:
        values = {
            name.removeprefix(_CONTACT): _text(value)
            for name, value in write.values.items()
            if name.startswith(_CONTACT)
        }
        values[self._contact_key] = write.message.key
        return {"properties": values, "objectWriteTraceId": write.message.message_id}

    def _row(self, write: keyed.Write) -> dict[str, Any]:
        values = {name: _text(value) for name, value in write.values.items() if not name.startswith(_CONTACT)}
        return {
            "properties": {**values, self._key: write.message.key},
            "objectWriteTraceId": write.message.message_id,
        }

    def _batch(self, kind: str, verb: str, rows: list[dict[str, Any]]) -> Any:
        return self._portal.call("POST", self._portal.objects(kind, f"/batch/{verb}"), {"inputs": rows})

    def _done(self, writes: Sequence[keyed.Write], said: Any, key: str | None = None) -> list[Answer | None]:
        """Results come in any order and are told by our property; errors by the trace id that we gave."""
        said = said if isinstance(said, dict) else {}
        name = key or self._key
        done = {item.get("properties", {}).get(name): str(item["id"]) for item in said.get("results", [])}
        failed: dict[str, Mapping[str, Any]] = {}
        for error in said.get("errors") or []:
            for trace in (error.get("context") or {}).get("objectWriteTraceId", []):
                failed[trace] = error
        return [self._answer(write.message, done, failed.get(write.message.message_id)) for write in writes]

    def _answer(
        self, message: Message, done: Mapping[str, str], error: Mapping[str, Any] | None
    ) -> Answer | None:
        if message.key in done:
            return Answer(Outcome.ACKED, 200, remote_id=done[message.key])
        if error is None:
            return Answer(Outcome.UNKNOWN, 200, "answers_missing")
        category, text = error.get("category"), masked(error.get("message"), message)
        if category in ("CONFLICT", "OBJECT_NOT_FOUND") and message.key not in self._conflicts:
            self._conflicts.add(message.key)  # somebody made or deleted it since the look; once more is a no
            return None
        if category in _ASK_LATER:
            return Answer(Outcome.RETRY, 207, "rate_limited", category, text)
        return Answer(Outcome.REJECTED, 207, "rejected", category, text)

    def _properties(self, kind: str) -> dict[str, dict[str, Any]]:
        said = self._portal.call("GET", f"/crm/v3/properties/{kind}")
        if kind == self._object:
            self._types = {item["name"]: item.get("type", "string") for item in said["results"]}
        return {item["name"]: item for item in said["results"]}


def _text(value: Any) -> str:
    """HubSpot takes every value as text; the empty one clears."""
    said = json_value(value)
    if said is None:
        return ""
    return str(said).lower() if isinstance(said, bool) else str(said)
