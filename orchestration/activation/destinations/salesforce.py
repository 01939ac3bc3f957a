"""Salesforce: rows -> one sObject each, upserted by an external id, 200 a call (sObject Collections).

    look: SOQL by external id -> what is there, what people converted or deleted
    write: PATCH composite/sobjects/<object>/<external id>, allOrNone false -> an answer a row, in order

Two calls in flight could still let an older write arrive after a newer one. With `version_field` (a number
field) we send our version along, and a validation rule of the org refuses the older one:
`AND(NOT(ISNEW()), Ikusei_Version__c < PRIORVALUE(Ikusei_Version__c))`, its message shown at that field.
Without it the verify pass finds and mends what an old write spoiled.

A field `Lead.Ikusei_Id__c` points to another record by that record's external id. It is set once, when the
record is made, and then the rep's; `references` names the object where a relation may lead to several (Who).

Vendor: https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/
resources_composite_sobjects_collections_upsert.htm, resources_composite_sobjects_collections_delete.htm,
resources_sobject_describe.htm, errorcodes.htm, using_resources_associate_records.htm
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from ingestion.salesforce_rest import API_VERSION, SalesforceOrg, quoted
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

_NOT_THERE_YET = "Foreign key external ID"  # the record that a field points to is another sync's to make
_KEYS_AT_ONCE = 100  # in one SOQL query: its address must stay below 16 KB
_LOOK_AGAIN = {"DUPLICATE_VALUE", "ENTITY_IS_DELETED", "CANNOT_UPDATE_CONVERTED_LEAD"}
_ASK_LATER = {"UNABLE_TO_LOCK_ROW", "REQUEST_LIMIT_EXCEEDED", "SERVER_UNAVAILABLE"}


class Salesforce(keyed.KeyedDestination):
    """One sObject of one org, keyed by an external id field."""

    guarantee: ClassVar = Guarantee(
        "A",
        "exactly once by a unique external id; a late older write is refused by version_field, "
        "without one the verify pass mends it",
    )
    package: ClassVar = ("simple_salesforce", "salesforce")
    secrets: ClassVar = frozenset({"url", "client_id", "client_secret"})
    needed_options: ClassVar = frozenset({"object", "external_id"})
    known_options: ClassVar = keyed.KEYED_OPTIONS | {
        "api_version",
        "version_field",
        "closed_when",
        "quota_reserve_pct",
        "references",
    }
    most_rows_per_call: ClassVar = 200

    def __init__(self, sync: Sync, org: SalesforceOrg) -> None:
        super().__init__(sync)
        self._org, options = org, sync.options
        self._object, self._key = str(options["object"]), str(options["external_id"])
        self._version_field = options.get("version_field")
        self._closed_when = dict(options.get("closed_when") or {})
        if self._object == "Lead":
            self._closed_when.setdefault("IsConverted", True)
        self._references = dict(options.get("references") or {})
        self._pointing = {name: _id_field(name) for name in self.names if "." in name}
        self._types: dict[str, str] = {}

    @classmethod
    def open(cls, sync: Sync, out_dir: Path, secrets: Mapping[str, str]) -> Salesforce:
        """Checks address and client. Raises NotConfigured naming the variable, never its value."""
        url = checked_url(needed_secret(sync, "url", secrets), sync.secrets["url"])
        client = [needed_secret(sync, name, secrets) for name in ("client_id", "client_secret")]
        seconds = keyed.checked_keyed_options(sync)
        for name in (
            sync.options["object"],
            sync.options["external_id"],
            *(f.name for f in sync.sent_fields),
        ):
            if not str(name).replace(".", "_").isidentifier():
                raise NotConfigured(f"{sync.path}: '{name}' is not an API name of Salesforce.")
        for item in sync.sent_fields:
            if "." in item.name and item.ownership != "fill":
                raise NotConfigured(
                    f"{sync.path}: '{item.name}' is set when the record is made; its ownership is fill."
                )
        with keyed.needs_package(sync):
            org = SalesforceOrg(
                url,
                *client,
                version=str(sync.options.get("api_version", API_VERSION)),
                timeout_seconds=seconds,
                reserve_pct=float(sync.options.get("quota_reserve_pct", 10)),
            )
        return cls(sync, org)

    @property
    def requests(self) -> int:
        """HTTP requests so far."""
        return self._org.requests

    def close(self) -> None:
        """Closes the connection."""
        self._org.close()

    def trouble_of(self, sync: Sync) -> str | None:
        """Compares the mapping with the org's describe of the object."""
        fields = self._describe()
        key = fields.get(self._key)
        if key is None or not (key.get("externalId") and key.get("unique")):
            return f"{self._object}.{self._key} must be a text field with External ID and Unique ticked"
        wanted = [*self.names, *([self._version_field] if self._version_field else [])]
        for name in wanted:
            if name in self._pointing:
                if not fields.get(self._pointing[name], {}).get("createable"):
                    return (
                        f"our user may not set {self._object}.{self._pointing[name]}, to which '{name}' leads"
                    )
                continue
            if name not in fields:
                return f"the field '{name}' is not in {self._object}; mend the mapping"
            if not (fields[name].get("updateable") and fields[name].get("createable")):
                return (
                    f"our user may not write {self._object}.{name}; give it the right, or the ownership never"
                )
        return None

    def canonical(self, name: str, value: Any) -> str:
        """Numbers as numbers, times without fraction: Salesforce gives both back in its own spelling."""
        kind = self._types.get(name)
        if kind in ("double", "currency", "percent", "int"):
            return keyed.number_text(value)
        text = keyed.plain_text(value)
        if kind == "datetime":
            return text[:19]
        return text.lower() if kind == "email" else text

    def find(self, messages: Sequence[Message]) -> dict[str, keyed.Remote]:
        """What the org has under the keys of these messages."""
        return self.find_keys([message.key for message in messages])

    def find_keys(self, keys: Sequence[str] | None) -> dict[str, keyed.Remote]:
        """SOQL by external id, or all records that have one."""
        if not self._types:
            self._describe()
        own = ["Id", self._key, "SystemModstamp"]
        read = [self._pointing.get(name, name) for name in self.names]
        names = dict.fromkeys([*own, *read, *self._closed_when, *self.archive_values])
        select = f"SELECT {', '.join(names)} FROM {self._object} WHERE {self._key} "
        found: dict[str, keyed.Remote] = {}
        for condition in self._conditions(keys):
            for record in self._org.query(select + condition):
                record |= {name: record.get(column) for name, column in self._pointing.items()}
                is_closed = any(record.get(name) == value for name, value in self._closed_when.items())
                found[record[self._key]] = keyed.Remote(
                    record["Id"], record, is_closed=is_closed, changed_at=record["SystemModstamp"]
                )
        return found

    def find_merged(self) -> Mapping[str, str]:
        """Leads that people merged: deleted, with the survivor's id; a chain is followed to its end."""
        if "MasterRecordId" not in self._types:
            return {}
        asked = f"SELECT Id, {self._key}, MasterRecordId FROM {self._object} WHERE "
        gone = list(self._org.query(f"{asked}MasterRecordId != null", is_with_deleted=True))
        into = {row["Id"]: row["MasterRecordId"] for row in gone}
        keys = {record["Id"]: record[self._key] for record in self._org.query(f"{asked}{self._key} != null")}
        merged = {}
        for row in gone:
            master, steps = row["MasterRecordId"], 0
            while master in into and steps < len(into):
                master, steps = into[master], steps + 1
            if row.get(self._key):
                merged[row[self._key]] = keys.get(master) or master
        return merged

    def batches(self, writes: Sequence[keyed.Write]) -> Iterator[list[keyed.Write]]:
        """Creates and changes go in one call."""
        if writes:
            yield list(writes)

    def write(self, writes: Sequence[keyed.Write]) -> list[Answer | None]:
        """One collection upsert; the answers stand in the order of the rows."""
        body = {"allOrNone": False, "records": [self._record(write) for write in writes]}
        path = f"composite/sobjects/{self._object}/{self._key}"
        return self._each([write.message for write in writes], self._org.call("PATCH", path, body))

    def delete(self, doomed: Sequence[tuple[Message, keyed.Remote]]) -> list[Answer | None]:
        """Into the org's recycle bin, from where a person can bring it back."""
        params = {"ids": ",".join(remote.remote_id for _, remote in doomed), "allOrNone": "false"}
        results = self._org.call("DELETE", "composite/sobjects", params=params)
        return self._each([message for message, _ in doomed], results)

    def _conditions(self, keys: Sequence[str] | None) -> Iterator[str]:
        if keys is None:
            yield "!= null"
            return
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            yield f"IN ({', '.join(map(quoted, keys[start : start + _KEYS_AT_ONCE]))})"

    def _describe(self) -> dict[str, dict[str, Any]]:
        said = self._org.call("GET", f"sobjects/{self._object}/describe")
        fields = {item["name"]: item for item in said["fields"]}
        self._types = {name: item["type"] for name, item in fields.items()}
        return fields

    def _record(self, write: keyed.Write) -> dict[str, Any]:
        record: dict[str, Any] = {"attributes": {"type": self._object}, self._key: write.message.key}
        if self._version_field:
            record[self._version_field] = write.message.version
        for name, value in write.values.items():
            if name in self._pointing:
                relation, _, key = name.partition(".")
                kind = self._references.get(relation)
                of_kind = {"attributes": {"type": kind}} if kind else {}
                record[relation] = {**of_kind, key: json_value(value)}
            else:
                record[name] = float(value) if isinstance(value, Decimal) else json_value(value)
        return record

    def _each(self, messages: Sequence[Message], results: Any) -> list[Answer | None]:
        """One answer a row; a list of another length says nothing about any row."""
        if not isinstance(results, list) or len(results) != len(messages):
            return [Answer(Outcome.UNKNOWN, 200, "answers_missing") for _ in messages]
        return [self._answer(message, result) for message, result in zip(messages, results, strict=True)]

    def _answer(self, message: Message, result: Mapping[str, Any]) -> Answer | None:
        if result.get("success") is True:
            return Answer(Outcome.ACKED, 200, remote_id=str(result.get("id") or "") or None)
        error = (result.get("errors") or [{}])[0]
        code = error.get("statusCode")
        if code in _LOOK_AGAIN or (
            self._version_field and self._version_field in (error.get("fields") or [])
        ):
            return None
        text = masked(error.get("message"), message)
        if code == "INVALID_FIELD" and _NOT_THERE_YET in (error.get("message") or ""):
            return Answer(Outcome.RETRY, 200, "points_to_nothing_yet", code, text)
        if code in _ASK_LATER:
            return Answer(Outcome.RETRY, 200, "locked", code, text)
        if code is None:
            return Answer(Outcome.UNKNOWN, 200, "answers_missing")
        return Answer(Outcome.REJECTED, 200, "rejected", code, text)


def _id_field(name: str) -> str:
    """Where a relation keeps the id that it leads to: Lead -> LeadId, Account__r -> Account__c."""
    relation = name.partition(".")[0]
    return f"{relation[:-3]}__c" if relation.endswith("__r") else f"{relation}Id"
