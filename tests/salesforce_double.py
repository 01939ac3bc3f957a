"""Salesforce on loopback: one org in dictionaries, after the vendor's documentation (no machine-readable
contract of it exists): sObject Collections, SOQL as far as it is asked here, describe, OAuth.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/
resources_composite_sobjects_collections_upsert.htm, resources_query.htm, resources_queryall.htm,
headers_api_usage.htm, errorcodes.htm; the validation rule is that of the sync file's comment.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote

from vendor_server import Double, VendorError

CLIENT, SECRET, TOKEN = "client-double", "secret-double", "00D-token-double"
US = "005000000000001AAA"  # the user that our app runs as
REP = "005000000000002AAA"
TEXTS = {
    "Lead": [
        *("Ikusei_Id__c", "Ikusei_Headline__c", "Ikusei_Unit__c", "Ikusei_Rule__c", "LastName", "Company"),
        *("Title", "Phone", "Description", "Status", "Rating"),
    ],
    "Contact": ["Ikusei_Id__c", "LastName", "Title", "Department", "Phone", "Description"],
    "Task": ["Ikusei_Id__c", "Subject", "Description", "Status", "Priority"],
    "CampaignMember": ["Ikusei_Id__c", "Status"],
}
# A relation and the objects that it may lead to; it is set by an external id of theirs, and once.
POINTS = {
    "Task": {"Who": ("Lead", "Contact")},
    "CampaignMember": {"Lead": ("Lead",), "Campaign": ("Campaign",)},
}
_STRING = re.compile(r"'((?:[^'\\]|\\.)*)'")


class SalesforceDouble(Double):
    """`records[object][id]` is a record with all of its fields, also IsDeleted and MasterRecordId."""

    def __init__(self) -> None:
        super().__init__()
        self.records: dict[str, dict[str, dict[str, Any]]] = {}
        self.histories: dict[str, list[dict[str, Any]]] = {}
        self.ids, self.ticks = itertools.count(1), itertools.count()
        self.poison: set[str] = set()
        self.locked: set[str] = set()  # keys whose row another process holds, once
        self.has_version_rule = True
        self.used, self.daily = 100, 100_000
        self.tokens_left = 1_000_000  # requests until the token runs out
        self.pages_of = 2000
        self.pages: dict[str, tuple[list[dict[str, Any]], int]] = {}

    def is_write(self, method: str, path: str) -> bool:
        return "/composite/" in path

    def now(self) -> str:
        at = datetime(2026, 5, 1, tzinfo=UTC) + timedelta(seconds=next(self.ticks))
        return f"{at:%Y-%m-%dT%H:%M:%S}.000+0000"

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        return self.records.setdefault(kind, {})

    def live(self, kind: str) -> list[dict[str, Any]]:
        return [record for record in self.of(kind).values() if not record["IsDeleted"]]

    def make(self, kind: str, who: str = REP, **values: Any) -> dict[str, Any]:
        """As a person makes one in the org."""
        now = self.now()
        prefix = {"Lead": "00Q", "Opportunity": "006", "Order": "801", "Task": "00T", "User": "005"}
        record = {
            "Id": f"{prefix.get(kind, '003')}{next(self.ids):012}AAA",
            **{"IsDeleted": False, "MasterRecordId": None, "CreatedDate": now, "SystemModstamp": now},
            **{"CreatedById": who, "LastModifiedById": who, "LastModifiedDate": now},
        }
        if kind == "Lead":
            record |= {"IsConverted": False, "ConvertedContactId": None, "ConvertedOpportunityId": None}
        record |= values
        self.of(kind)[record["Id"]] = record
        return record

    def change(self, kind: str, record: dict[str, Any], who: str = REP, **values: Any) -> None:
        """As a person edits one; tracked fields leave a line in the object's history."""
        now = self.now()
        record |= {"SystemModstamp": now, "LastModifiedDate": now, "LastModifiedById": who}
        for name, value in values.items():
            if record.get(name) != value:
                self._track(kind, record, name, value, now, who)
                record[name] = value

    def _track(self, kind: str, record: Mapping[str, Any], name: str, value: Any, now: str, who: str) -> None:
        line = {
            **{"Id": f"017{next(self.ids):012}AAA", f"{kind}Id": record["Id"], "Field": name},
            **{"OldValue": record.get(name), "NewValue": value, "CreatedDate": now, "CreatedById": who},
        }
        history = {"Opportunity": "OpportunityFieldHistory"}.get(kind, f"{kind}History")
        self.histories.setdefault(history, []).append(line)

    def answer(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: Any
    ) -> tuple[int, Any]:
        if path == "/services/oauth2/token":
            form = {name: values[0] for name, values in parse_qs(body).items()}
            if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
                raise VendorError(400, {"error": "invalid_client", "error_description": "no such client"})
            self.tokens_left = max(self.tokens_left, 1_000_000)
            return 200, {"access_token": TOKEN, "id": f"{self.url}/id/00D/{US}", "instance_url": self.url}
        self.tokens_left -= 1
        if headers.get("authorization") != f"Bearer {TOKEN}" or self.tokens_left < 0:
            raise VendorError(401, _errors("INVALID_SESSION_ID", "Session expired or invalid"))
        self.used += 1
        self.headers["Sforce-Limit-Info"] = f"api-usage={self.used}/{self.daily}"
        found = re.fullmatch(r"/services/data/v[\d.]+/(.*)", path)
        if not found:
            raise VendorError(404, _errors("NOT_FOUND", "The requested resource does not exist"))
        return self._data(method, found[1], query, body)

    def _data(self, method: str, path: str, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
        if (described := re.fullmatch(r"sobjects/(\w+)/describe", path)) and method == "GET":
            return 200, {"name": described[1], "fields": self._fields(described[1])}
        if path in ("query/", "queryAll/"):
            rows = self._select(query["q"], is_with_deleted=path == "queryAll/")
            return 200, self._page(path, rows, 0)
        if more := re.fullmatch(r"(query/|queryAll/)(\w+-\d+)", path):
            rows, start = self.pages[more[2]]
            return 200, self._page(more[1], rows, start)
        if path == "composite/sobjects" and method == "DELETE":
            return 200, [self._delete(key) for key in query["ids"].split(",")]
        if (upsert := re.fullmatch(r"composite/sobjects/(\w+)/(\w+)", path)) and method == "PATCH":
            if len(body["records"]) > 200 or body["allOrNone"] is not False:
                raise VendorError(400, _errors("EXCEEDED_ID_LIMIT", "at most 200 records"))
            return 200, self.twist([self._upsert(upsert[1], upsert[2], dict(row)) for row in body["records"]])
        raise VendorError(404, _errors("NOT_FOUND", "The requested resource does not exist"))

    def _fields(self, kind: str) -> list[dict[str, Any]]:
        may = {"createable": True, "updateable": True, "externalId": False, "unique": False}
        fields = [{"name": name, "type": "string", **may} for name in TEXTS.get(kind, [])]
        fields += [{"name": "Email", "type": "email", **may}]
        fields += [{"name": "Ikusei_Version__c", "type": "double", **may}]
        fields += [{"name": "Ikusei_At__c", "type": "datetime", **may}]
        fields += [
            {"name": "SystemModstamp", "type": "datetime", **may, "createable": False, "updateable": False}
        ]
        fields += [{"name": "MasterRecordId", "type": "reference", **may, "createable": False}]
        for relation in POINTS.get(kind, {}):
            fields += [{"name": f"{relation}Id", "type": "reference", **may, "updateable": False}]
        if kind == "Task":
            fields += [{"name": "ActivityDate", "type": "date", **may}]
        for field in fields:
            if field["name"] == "Ikusei_Id__c":
                field |= {"externalId": True, "unique": True}
        return fields

    def _upsert(self, kind: str, key_field: str, row: dict[str, Any]) -> dict[str, Any]:
        if row.pop("attributes")["type"] != kind or "Id" in row:
            raise VendorError(400, _errors("INVALID_FIELD", "type and id"))
        for relation, kinds in POINTS.get(kind, {}).items():
            if relation in row:
                try:
                    row[f"{relation}Id"] = self._pointed_to(kinds, row.pop(relation))
                except LookupError as error:
                    return _failed("INVALID_FIELD", str(error), [])
        known = {field["name"] for field in self._fields(kind)}
        if unknown := set(row) - known:
            return _failed("INVALID_FIELD", f"No such column {sorted(unknown)[0]}", sorted(unknown))
        key = row[key_field]
        if key in self.poison:
            return _failed(
                "FIELD_CUSTOM_VALIDATION_EXCEPTION", f"{row.get('Email')} is not welcome", ["Email"]
            )
        if key in self.locked:
            self.locked.remove(key)
            return _failed("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record", [])
        there = [record for record in self.live(kind) if record.get(key_field) == key]
        assert len(there) <= 1, "a unique field is unique"
        if there and there[0].get("IsConverted"):
            return _failed("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", [])
        before = (there[0].get("Ikusei_Version__c") or 0) if there else 0
        if there and self.has_version_rule and row.get("Ikusei_Version__c", before) < before:
            return _failed(
                "FIELD_CUSTOM_VALIDATION_EXCEPTION", "a newer version is here", ["Ikusei_Version__c"]
            )
        missing = [name for name in ("LastName", "Company") if not row.get(name)]
        if kind == "Lead" and not there and missing:
            return _failed("REQUIRED_FIELD_MISSING", f"Required fields are missing: {missing}", missing)
        record = there[0] if there else self.make(kind, US)
        self.change(kind, record, US, **row)
        return {"id": record["Id"], "success": True, "errors": [], "created": not there}

    def _pointed_to(self, kinds: tuple[str, ...], said: dict[str, Any]) -> str:
        """The id of the record that an external id names; a relation to several objects wants its type."""
        kind = said.pop("attributes", {"type": kinds[0] if len(kinds) == 1 else None})["type"]
        ((field, value),) = said.items()
        if kind not in kinds:
            raise LookupError(f"{kind} is not one of {kinds}")
        for record in self.live(kind):
            if record.get(field) == value:
                return record["Id"]
        raise LookupError(f"Foreign key external ID: {value} not found for field {field} in entity {kind}")

    def _delete(self, key: str) -> dict[str, Any]:
        for records in self.records.values():
            if key in records and not records[key]["IsDeleted"]:
                records[key] |= {"IsDeleted": True, "SystemModstamp": self.now()}
                return {"id": key, "success": True, "errors": []}
        return _failed("ENTITY_IS_DELETED", "entity is deleted", [])

    # SOQL, as far as it is asked here: SELECT names FROM object [WHERE a AND b] [ORDER BY name]

    def _select(self, soql: str, *, is_with_deleted: bool) -> list[dict[str, Any]]:
        if len(quote(soql)) > 16000:
            raise VendorError(414, _errors("REQUEST_URI_TOO_LONG", "uri"))
        parts = re.fullmatch(r"SELECT (.+?) FROM (\w+)(?: WHERE (.+?))?(?: ORDER BY (\w+))?", soql)
        if not parts:
            raise VendorError(400, _errors("MALFORMED_QUERY", soql))
        names, kind, where, order = parts.groups()
        rows = (
            list(self.histories.get(kind, [])) if kind.endswith("History") else list(self.of(kind).values())
        )
        rows = [row for row in rows if is_with_deleted or not row.get("IsDeleted")]
        for condition in re.split(r" AND (?![^(]*\))", where) if where else []:
            rows = [row for row in rows if _holds(row, condition)]
        rows.sort(key=lambda row: str(row.get(order or "Id")))
        kept = []
        for row in rows:
            kept.append({"attributes": {"type": kind}, **{name: row.get(name) for name in names.split(", ")}})
        return kept

    def _page(self, path: str, rows: list[dict[str, Any]], start: int) -> dict[str, Any]:
        end = start + self.pages_of
        said = {"totalSize": len(rows), "done": end >= len(rows), "records": rows[start:end]}
        if not said["done"]:
            name = f"01g{next(self.ids)}-{end}"
            self.pages[name] = (rows, end)
            said["nextRecordsUrl"] = f"/services/data/v62.0/{path}{name}"
        return said


def _holds(row: Mapping[str, Any], condition: str) -> bool:
    if found := re.fullmatch(r"(\w+) (NOT )?IN \((.*)\)", condition):
        values = {_unquoted(value) for value in _STRING.findall(found[3])}
        return (row.get(found[1]) in values) is not bool(found[2])
    found = re.fullmatch(r"(\w+) (=|!=|>=|>) (.+)", condition)
    if not found:
        raise VendorError(400, _errors("MALFORMED_QUERY", condition))
    name, sign, said = found.groups()
    text = _STRING.fullmatch(said)
    literals: dict[str, Any] = {"null": None, "true": True, "false": False}
    value = _unquoted(text[1]) if text else literals.get(said, said)
    there = row.get(name)
    if sign in (">", ">="):
        at = str(there or "")[:19]
        return at >= str(value)[:19] if sign == ">=" else at > str(value)[:19]
    return (there == value) is (sign == "=")


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value)


def _errors(code: str, message: str) -> list[dict[str, str]]:
    return [{"errorCode": code, "message": message}]


def _failed(code: str, message: str, fields: list[str]) -> dict[str, Any]:
    return {"success": False, "errors": [{"statusCode": code, "message": message, "fields": fields}]}
