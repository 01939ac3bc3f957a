"""A lead in Tryton: records of `sale.opportunity` and `party.party` <-> the field names of a sync file.

`description`, `reference`, ... are the opportunity's own fields; `employee` names an employee by the code
of its party; `party.name` is the party's, `party.email` and `party.phone` its contact mechanisms,
`address.city` and the like its address.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from ingestion.tryton_rpc import Tryton
from orchestration.activation.destinations import Message, json_value

# Field of the opportunity -> model to look in, and the field of it that our value is matched with.
LOOKUPS = {"employee": ("company.employee", "party.code")}
_CONTACTS = ("party.email", "party.phone")
_CLOSED = frozenset({"converted", "won", "lost", "cancelled"})
_AT_ONCE = 500  # keys in one search

IdOf = Callable[[str, Any], int | None]


@dataclass
class Lead:
    """What Tryton has under one key; `values` by the field names of the sync file."""

    values: dict[str, Any] = field(default_factory=dict)
    state: str | None = None
    opportunity_id: int | None = None
    timestamp: str | None = None
    party_id: int | None = None
    party_timestamp: str | None = None
    contact_ids: dict[str, int] = field(default_factory=dict)
    address_id: int | None = None
    is_merged: bool = False
    is_linked: bool = True  # does the opportunity name its party?
    changed_at: datetime | None = None

    @classmethod
    def wanted(cls, values: Mapping[str, Any]) -> Lead:
        """A lead as it should be, for comparing."""
        return cls(dict(values))

    @property
    def is_closed(self) -> bool:
        """Converted, won, lost or cancelled: the sales people's word, nothing to overwrite."""
        return self.state in _CLOSED

    def fingerprint(self, names: Iterable[str]) -> str:
        """Hash of the named fields as Tryton stores them: trimmed text, and empty text for nothing."""
        said = "\x1f".join(f"{name}={canonical(name, self.values.get(name))}" for name in names)
        return hashlib.sha256(said.encode()).hexdigest()[:32]

    def fingerprints(self, names: Iterable[str]) -> dict[str, str]:
        """Field -> hash of its value as Tryton stores it."""
        return {name: self.fingerprint([name]) for name in names}

    def differing(self, message: Message) -> dict[str, Any]:
        """Our fields that differ, and first values where Tryton has nothing."""
        wanted = {
            name: value
            for name, value in message.fields.items()
            if message.must_write or canonical(name, self.values.get(name)) != canonical(name, value)
        }
        first = {
            name: value
            for name, value in message.fill.items()
            if value not in (None, "") and canonical(name, self.values.get(name)) == ""
        }
        return {**first, **wanted}

    # The opportunity

    def opportunity_values(self, message: Message, id_of: IdOf) -> dict[str, Any]:
        """Values of a new opportunity."""
        return _own({**message.fill, **message.fields}, id_of)

    def opportunity_changes(self, message: Message, id_of: IdOf) -> dict[str, Any]:
        """Values to write; a message that must write touches the record even when nothing differs."""
        changes = _own(self.differing(message), id_of, keep_none=True)
        return changes or ({"external_id": message.key} if message.must_write else {})

    # The party

    @staticmethod
    def party_values(message: Message) -> dict[str, Any]:
        """Values of a new party with its contacts and address: one nested create, one transaction."""
        said = {**message.fill, **message.fields}
        values: dict[str, Any] = {"code": message.key, "name": said.get("party.name") or message.key}
        contacts = [
            {"type": name.removeprefix("party."), "value": said[name]} for name in _CONTACTS if said.get(name)
        ]
        address = _address(said)
        if contacts:
            values["contact_mechanisms"] = [["create", contacts]]
        if address:
            values["addresses"] = [["create", [address]]]
        return values

    def party_changes(self, message: Message) -> dict[str, Any]:
        """Values to write to the party; empty when it is as it should be, or was merged into another."""
        if self.is_merged:
            return {}
        said = self.differing(message)
        values: dict[str, Any] = {"name": said["party.name"]} if said.get("party.name") else {}
        contacts: list[Any] = []
        for name in _CONTACTS:
            if name not in said or not said[name]:
                continue
            if name in self.contact_ids:
                contacts.append(["write", [self.contact_ids[name]], {"value": said[name]}])
            else:
                contacts.append(["create", [{"type": name.removeprefix("party."), "value": said[name]}]])
        if contacts:
            values["contact_mechanisms"] = contacts
        if address := _address(said):
            is_new = self.address_id is None
            values["addresses"] = [["create", [address]] if is_new else ["write", [self.address_id], address]]
        return values


class LeadReader:
    """Reads leads by key, and other records by their code; remembers the latter."""

    def __init__(self, client: Tryton, names: Sequence[str]) -> None:
        self._client, self._ids = client, {}
        own = [name for name in names if "." not in name and name not in LOOKUPS]
        self._own = own
        self._lookups = [name for name in names if name in LOOKUPS]
        self._address = [name.removeprefix("address.") for name in names if name.startswith("address.")]
        self._codes: dict[tuple[str, int], Any] = {}
        self._fields = ["external_id", "_timestamp", "state", "party", *own, *self._lookups]
        self._fields += ["write_date", "create_date"]
        self._party_fields = [
            *("code", "name", "_timestamp", "replaced_by", "contact_mechanisms.type"),
            "contact_mechanisms.value_compact",
            *(f"addresses.{name}" for name in self._address),
        ]

    def read(self, keys: Sequence[str] | None, *, with_parties: bool = True) -> dict[str, Lead]:
        """key -> what Tryton has of it; a key with neither party nor opportunity is missing."""
        if keys is None:
            return self._leads([["external_id", "!=", None]], None, with_parties)
        found: dict[str, Lead] = {}
        for start in range(0, len(keys), _AT_ONCE):
            some = list(keys[start : start + _AT_ONCE])
            found |= self._leads([["external_id", "in", some]], some, with_parties)
        return found

    def survivors(self) -> dict[str, str]:
        """Code of each party that was merged -> code of the party that it went into."""
        gone = [["replaced_by", "!=", None], ["code", "!=", None]]
        rows = self._search("party.party", gone, ["code", "replaced_by.code"])
        into = {row["code"]: _dotted(row, "replaced_by.code") for row in rows}
        return {code: _last(into, code) for code in into}

    def any_exists(self, keys: Sequence[str], model: str) -> bool:
        """Does the model have a record of one of the keys that a create was just refused for?"""
        code = {"sale.opportunity": "external_id", "party.party": "code"}[model]
        return any(
            self._search(model, [[code, "in", list(keys[start : start + _AT_ONCE])]], ["id"])
            for start in range(0, len(keys), _AT_ONCE)
        )

    def id_of(self, name: str, value: Any) -> int | None:
        """The id of the record that a field names by its code; None when there is none."""
        if value in (None, ""):
            return None
        model, code = LOOKUPS[name]
        if (name, value) not in self._ids:
            rows = self._search(model, [[code, "=", value]], ["id"])
            self._ids[name, value] = rows[0]["id"] if rows else None
            self._codes |= {(name, row["id"]): value for row in rows}
        return self._ids[name, value]

    def _learn_codes(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Asks once for the code of each record that is named: with each lead it would cost a join there."""
        for name in self._lookups:
            model, code = LOOKUPS[name]
            named = {record[name] for record in records if record.get(name) is not None}
            if new := sorted(number for number in named if (name, number) not in self._codes):
                for row in self._search(model, [["id", "in", new]], [code]):
                    self._codes[name, row["id"]] = _dotted(row, code)

    def _leads(self, domain: list[Any], keys: list[str] | None, with_parties: bool) -> dict[str, Lead]:
        leads: dict[str, Lead] = {}
        records = self._search("sale.opportunity", domain, self._fields)
        self._learn_codes(records)
        for record in records:
            leads[record["external_id"]] = self._lead(record)
        if not with_parties:
            return leads
        parties_of = [lead.party_id for lead in leads.values() if lead.party_id]
        wanted = (
            [["id", "in", parties_of]]
            if keys is None
            else ["OR", ["code", "in", keys], ["id", "in", parties_of]]
        )
        parties = {row["id"]: row for row in self._search("party.party", wanted, self._party_fields)}
        by_code = {row["code"]: row for row in parties.values()}
        for key in keys if keys is not None else leads:
            lead = leads.get(key) or Lead()
            party = parties.get(lead.party_id) if lead.party_id else by_code.get(key)
            if party is not None:
                self._join(lead, party)
                leads[key] = lead
        return leads

    def _search(self, model: str, domain: list[Any], names: list[str]) -> list[dict[str, Any]]:
        # A party that was merged into another is not active any more, but its code is still taken.
        everyone = {"active_test": False}
        return self._client.call(f"model.{model}.search_read", domain, 0, None, None, names, context=everyone)

    def _lead(self, record: Mapping[str, Any]) -> Lead:
        values = {name: record.get(name) for name in self._own}
        for name in self._lookups:
            values[name] = self._codes.get((name, record.get(name)))
        party = record.get("party")
        is_linked = party is not None
        lead = Lead(values, record["state"], record["id"], record["_timestamp"], party, is_linked=is_linked)
        lead.changed_at = record.get("write_date") or record.get("create_date")
        return lead

    def _join(self, lead: Lead, party: Mapping[str, Any]) -> None:
        lead.is_merged = party.get("replaced_by") is not None
        lead.party_id = party.get("replaced_by") or party["id"]
        lead.party_timestamp = party["_timestamp"]
        lead.values["party.name"] = party["name"]
        for contact in party.get("contact_mechanisms.") or []:
            name = f"party.{contact['type']}"
            if name in _CONTACTS and name not in lead.contact_ids:
                lead.contact_ids[name] = contact["id"]
                lead.values[name] = contact["value_compact"]
        addresses = party.get("addresses.") or []
        if addresses:
            lead.address_id = addresses[0]["id"]
            lead.values |= {f"address.{name}": addresses[0].get(name) for name in self._address}


def _last(into: Mapping[str, str], code: str) -> str:
    """Follows merges of merges to the one that is left; a ring ends where it began."""
    seen = {code}
    while code in into and into[code] not in seen:
        code = into[code]
        seen.add(code)
    return code


def mapping_trouble(client: Tryton, names: Sequence[str]) -> str | None:
    """What does not fit between mapped fields and the server's own, as a sentence; None when all fit."""
    there = client.call("model.sale.opportunity.fields_get")
    if "external_id" not in there:
        return (
            "sale.opportunity has no external_id there; install tryton_warehouse_key and run "
            "`trytond-admin -d DATABASE -u warehouse_key`."
        )
    address = client.call("model.party.address.fields_get")
    for name in names:
        kind, _, part = name.rpartition(".")
        known = {"": there, "address": address}.get(kind, {"name": {}, "email": {}, "phone": {}})
        if part not in known or (kind and kind not in ("party", "address")):
            return f"the field '{name}' is not in Tryton; mend the mapping, nothing was sent."
        if known[part].get("readonly") is True or part == "external_id":
            return f"Tryton lets nobody write '{name}'; give it the ownership never, nothing was sent."
    return None


def canonical(name: str, value: Any) -> str:
    """A value as Tryton would store it, as text."""
    if value is None:
        return ""
    if isinstance(value, Decimal | int | float) and not isinstance(value, bool):
        return f"{Decimal(str(value)).normalize():f}" if value else "0"
    text = str(json_value(value)).strip()
    if name == "party.phone":
        return "".join(sign for sign in text if sign.isdigit() or sign == "+")
    return text.lower() if name == "party.email" else text


def _own(said: Mapping[str, Any], id_of: IdOf, *, keep_none: bool = False) -> dict[str, Any]:
    values = {}
    for name, value in said.items():
        if "." in name or (value is None and not keep_none):
            continue
        values[name] = id_of(name, value) if name in LOOKUPS else value
    return values


def _address(said: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name.removeprefix("address."): value
        for name, value in said.items()
        if name.startswith("address.") and value not in (None, "")
    }


def _dotted(record: Mapping[str, Any], path: str) -> Any:
    """`party.code` out of {"party.": {"code": ...}}."""
    value: Any = record
    parts = path.split(".")
    for part in parts[:-1]:
        value = (value or {}).get(f"{part}.")
    return (value or {}).get(parts[-1])
