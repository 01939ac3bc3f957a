"""HubSpot on loopback: contacts, leads, deals and owners in a dictionary, each request and answer held to the
vendor's own contract of leads (the other object types have the same shapes)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

from vendor_contracts import HUBSPOT, contract
from vendor_server import Double, VendorError

TOKEN, APP = "pat-jp1-double", 4711
PIPELINES = [
    {
        "id": "default",
        "stages": [
            {"id": "appointment", "displayOrder": 0, "metadata": {"isClosed": "false", "probability": "0.2"}},
            {
                "id": "presentation",
                "displayOrder": 1,
                "metadata": {"isClosed": "false", "probability": "0.5"},
            },
            {"id": "contract", "displayOrder": 2, "metadata": {"isClosed": "false", "probability": "0.9"}},
            {"id": "closedwon", "displayOrder": 3, "metadata": {"isClosed": "true", "probability": "1.0"}},
            {"id": "closedlost", "displayOrder": 4, "metadata": {"isClosed": "true", "probability": "0.0"}},
        ],
    }
]
PROPERTIES = {
    "leads": {
        **{"hs_lead_name": "string", "ikusei_id": "string", "ikusei_unit": "string", "ikusei_rule": "string"},
        **{"ikusei_note": "string", "hs_pipeline_stage": "string", "hs_createdate": "datetime"},
        **{"ikusei_chance": "number", "hubspot_owner_id": "string"},
    },
    "contacts": {
        **dict.fromkeys(["email", "lastname", "firstname", "company", "jobtitle", "phone"], "string"),
        **{"ikusei_id": "string", "hs_merged_object_ids": "string", "hubspot_owner_id": "string"},
        **{"lifecyclestage": "string", "hs_lead_status": "string"},
    },
}
UNIQUE = {"ikusei_id", "email"}
CLOCK = "2026-05-01T00:{:02}:{:02}.000Z"


class HubSpotDouble(Double):
    """`objects[kind][id]` is {"properties", "history", "associations", "archived", "merged_into"}."""

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, dict[str, dict[str, Any]]] = {}
        self.owners: list[dict[str, Any]] = []
        self.lists: dict[str, set[str]] = {}
        self.ids, self.ticks = itertools.count(1001), itertools.count()
        self.poison: set[str] = set()  # keys that a rule of the portal refuses
        self.contract = contract(HUBSPOT)

    def is_write(self, method: str, path: str) -> bool:
        return method != "GET" and not path.endswith(("/read", "/search"))

    def now(self) -> str:
        tick = next(self.ticks)
        return CLOCK.format(tick // 60 % 60, tick % 60)

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        return self.objects.setdefault(kind, {})

    def live(self, kind: str) -> list[dict[str, Any]]:
        return [item for item in self.of(kind).values() if not item["archived"]]

    def find(self, kind: str, key: str, name: str | None) -> dict[str, Any] | None:
        if name is None:
            item = self.of(kind).get(key)
            while item is not None and item["merged_into"]:
                item = self.of(kind)[item["merged_into"]]
            return item if item and not item["archived"] else None
        wanted = key.lower()
        found = [item for item in self.live(kind) if item["properties"].get(name, "").lower() == wanted]
        assert len(found) <= 1, "a unique property is unique"
        return found[0] if found else None

    def make(self, kind: str, properties: Mapping[str, str], who: str = "CRM_UI") -> dict[str, Any]:
        """As a person makes one in the portal."""
        now = self.now()
        item = {
            **{"id": str(next(self.ids)), "properties": {}, "history": {}, "associations": []},
            **{"archived": False, "merged_into": None, "createdAt": now, "updatedAt": now},
        }
        self.of(kind)[item["id"]] = item
        self.change(item, properties, who)
        return item

    def change(self, item: dict[str, Any], properties: Mapping[str, str], who: str = "CRM_UI") -> None:
        item["updatedAt"] = self.now()
        for name, value in properties.items():
            if item["properties"].get(name) != value:
                item["properties"][name] = value
                told = {"value": value, "timestamp": item["updatedAt"], "sourceType": who}
                if who == "INTEGRATION":
                    told["sourceId"] = str(APP)
                item["history"].setdefault(name, []).insert(0, told)

    def merge(self, kind: str, primary: str, other: str) -> None:
        """As a person merges two records: the other becomes part of the primary one."""
        self.of(kind)[other]["merged_into"] = primary
        self.of(kind)[other]["archived"] = True
        survivor = self.of(kind)[primary]
        merged = survivor["properties"].get("hs_merged_object_ids", "")
        self.change(survivor, {"hs_merged_object_ids": ";".join(filter(None, [merged, other]))})

    def answer(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: Any
    ) -> tuple[int, Any]:
        if headers.get("authorization") != f"Bearer {TOKEN}":
            raise VendorError(401, _error("INVALID_AUTHENTICATION", "the token is not known"))
        if path.startswith("/crm/v3/properties/"):
            return 200, {"results": self._properties(path.rsplit("/", 1)[-1])}
        if found := re.fullmatch(r"/crm/v3/lists/(\d+)/memberships(/add-and-remove)?", path):
            return 200, self._memberships(self.lists.setdefault(found[1], set()), method, query, body)
        if path == "/crm/v3/owners":
            return 200, {"results": self.owners}
        if path == "/crm/v3/pipelines/deals":
            return 200, {"results": PIPELINES}
        if path == "/oauth/v2/private-apps/get/access-token-info":
            return 200, {"appId": APP, "hubId": 1, "userId": 2, "scopes": []}
        dated = re.fullmatch(r"/crm/objects/(\d{4}-\d\d)/(\w+)(/.*)?", path)
        versioned = re.fullmatch(r"/crm/v3/objects/(\w+)(/.*)?", path)
        if not (dated or versioned):
            raise VendorError(404, _error("NOT_FOUND", "no such path"))
        kind, rest = (dated[2], dated[3]) if dated else (versioned[1], versioned[2])
        generic = "/crm/v3/objects/leads" + (rest or "")
        self._judge(self.contract.complaint(method, generic, body or None))
        status, said = self._objects(method, kind, rest or "", query, body)
        self._judge(self.contract.complaint(method, generic, said, status) if said is not None else None)
        return status, said

    def _memberships(
        self, members: set[str], method: str, query: Mapping[str, str], body: Any
    ) -> dict[str, Any]:
        if method == "GET":
            rows, start, size = sorted(members), int(query.get("after", 0)), int(query.get("limit", 100))
            page = {"results": [{"recordId": key} for key in rows[start : start + size]]}
            following = {"next": {"after": str(start + size)}} if start + size < len(rows) else {}
            return {**page, "paging": following}
        known = {item["id"] for item in self.live("contacts")}
        added = [key for key in body["recordIdsToAdd"] if key in known and key not in members]
        removed = [key for key in body["recordIdsToRemove"] if key in members]
        members |= set(added)
        members -= set(removed)
        missing = [key for key in [*body["recordIdsToAdd"], *body["recordIdsToRemove"]] if key not in known]
        return {"recordIdsAdded": added, "recordIdsRemoved": removed, "recordIdsMissing": missing}

    def _judge(self, complaint: str | None) -> None:
        if complaint:
            self.complaints.append(complaint)
            raise VendorError(400, _error("VALIDATION_ERROR", complaint))

    def _properties(self, kind: str) -> list[dict[str, Any]]:
        return [
            {
                **{"name": name, "type": type_, "hasUniqueValue": name in UNIQUE},
                "modificationMetadata": {"readOnlyValue": name in ("hs_merged_object_ids", "hs_createdate")},
            }
            for name, type_ in PROPERTIES.get(kind, {}).items()
        ]

    def _objects(
        self, method: str, kind: str, rest: str, query: Mapping[str, str], body: Any
    ) -> tuple[int, Any]:
        if method == "GET" and not rest:
            return 200, self._page(kind, query)
        verb = rest.removeprefix("/batch/")
        if len(body["inputs"]) > 100:
            raise VendorError(400, _error("VALIDATION_ERROR", "at most 100 inputs"))
        if verb == "read":
            return self._read(kind, body)
        if verb == "archive":
            for row in body["inputs"]:
                if (item := self.find(kind, row["id"], None)) is not None:
                    item["archived"] = True
            return 204, None
        return self._write(kind, verb, body["inputs"])

    def _page(self, kind: str, query: Mapping[str, str]) -> dict[str, Any]:
        names = [name for name in query.get("properties", "").split(",") if name]
        history = [name for name in query.get("propertiesWithHistory", "").split(",") if name]
        rows = sorted(self.live(kind), key=lambda item: int(item["id"]))
        start, size = int(query.get("after", 0)), int(query.get("limit", 10))
        if history and size > 50:
            raise VendorError(400, _error("VALIDATION_ERROR", "at most 50 with history"))
        page = {"results": [self._shown(item, names, history) for item in rows[start : start + size]]}
        if start + size < len(rows):
            page["paging"] = {"next": {"after": str(start + size)}}
        return page

    def _read(self, kind: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        ids = [row["id"] for row in body["inputs"]]
        found = [(key, self.find(kind, key, body.get("idProperty"))) for key in ids]
        missing = [key for key, item in found if item is None]
        history = body["propertiesWithHistory"]
        results = [self._shown(item, body["properties"], history) for _, item in found if item is not None]
        said = {"status": "COMPLETE", "results": results, "startedAt": self.now(), "completedAt": self.now()}
        if not missing:
            return 200, said
        error = _row_error("OBJECT_NOT_FOUND", "Could not get some objects", {"ids": missing})
        return 207, {**said, "numErrors": 1, "errors": [error]}

    def _write(self, kind: str, verb: str, rows: list[dict[str, Any]]) -> tuple[int, Any]:
        known = PROPERTIES[kind]
        for row in rows:
            if unknown := set(row["properties"]) - set(known):
                raise VendorError(400, _error("VALIDATION_ERROR", f"no property {sorted(unknown)}"))
        keys = [row.get("id") for row in rows if verb != "create"]
        if len(set(keys)) != len(keys):
            raise VendorError(400, _error("VALIDATION_ERROR", "Duplicate IDs found in batch input"))
        results, errors = [], []
        for row in rows:
            try:
                results.append(self._write_one(kind, verb, row))
            except VendorError as error:
                errors.append({**error.body, "context": {"objectWriteTraceId": [row["objectWriteTraceId"]]}})
        said = {"status": "COMPLETE", "startedAt": self.now(), "completedAt": self.now()}
        said["results"] = self.twist(results)
        if errors:
            return 207, {**said, "numErrors": len(errors), "errors": errors}
        return (201 if verb == "create" else 200), said

    def _write_one(self, kind: str, verb: str, row: Mapping[str, Any]) -> dict[str, Any]:
        values, item = row["properties"], None
        if values.get("ikusei_id") in self.poison:
            raise VendorError(
                400, _row_error("VALIDATION_ERROR", f"{values.get('ikusei_id')} is not allowed")
            )
        if verb == "update":
            item = self.find(kind, row["id"], None)
            if item is None:
                raise VendorError(404, _row_error("OBJECT_NOT_FOUND", "no such object"))
        if verb == "upsert":
            item = self.find(kind, row["id"], row.get("idProperty"))
            values = {**values, row["idProperty"]: row["id"]}
        for name in UNIQUE & set(values):
            other = self.find(kind, values[name], name)
            if other is not None and other is not item:
                raise VendorError(409, _row_error("CONFLICT", f"{name} is taken by {other['id']}"))
        if item is None and kind == "leads" and not row.get("associations"):
            raise VendorError(400, _row_error("VALIDATION_ERROR", "a lead needs its contact"))
        is_new = item is None
        if item is None:
            item = self.make(kind, {}, "INTEGRATION")
            item["associations"] = [one["to"]["id"] for one in row.get("associations", [])]
            if any(self.find("contacts", one, None) is None for one in item["associations"]):
                raise VendorError(400, _row_error("VALIDATION_ERROR", "no such contact"))
        self.change(item, values, "INTEGRATION")
        shown = self._shown(item, [*values, "ikusei_id"], [])
        return {**shown, "new": is_new} if verb == "upsert" else shown

    def _shown(self, item: Mapping[str, Any], names: list[str], history: list[str]) -> dict[str, Any]:
        values = {name: item["properties"][name] for name in names if item["properties"].get(name)}
        said = {
            **{"id": item["id"], "properties": {**values, "hs_object_id": item["id"]}},
            **{"createdAt": item["createdAt"], "updatedAt": item["updatedAt"], "archived": False},
        }
        if history:
            said["propertiesWithHistory"] = {name: item["history"].get(name, []) for name in history}
        if item["associations"]:
            said["associations"] = {
                "contacts": {"results": [{"id": one, "type": "to"} for one in item["associations"]]}
            }
        return said


def _error(category: str, message: str) -> dict[str, Any]:
    trace = "aeb5f871-7f07-4993-9211-075dc63e7cbf"
    return {"status": "error", "category": category, "message": message, "correlationId": trace}


def _row_error(category: str, message: str, context: Mapping[str, list[str]] | None = None) -> dict[str, Any]:
    said = {"status": "error", "category": category, "message": message, "context": dict(context or {})}
    return {**said, "errors": [], "links": {}}
