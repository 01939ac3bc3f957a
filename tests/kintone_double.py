"""kintone on loopback: one app in a dictionary; requests and answers held to the vendor's OpenAPI file."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from vendor_contracts import KINTONE, contract
from vendor_server import Double, VendorError

TOKEN, APP = "kintone-token-double", 7
FORM = {
    **dict.fromkeys(
        ["ikusei_id", "headline", "unit", "rule", "person_name", "company", "email"], "SINGLE_LINE_TEXT"
    ),
    **{"phone": "LINK", "memo": "MULTI_LINE_TEXT", "status": "DROP_DOWN", "routed_at": "DATETIME"},
    **{"chance": "NUMBER", "rep": "USER_SELECT", "record_number": "RECORD_NUMBER"},
}


class KintoneDouble(Double):
    """`records[id]` is {"revision": n, field code: value as kintone keeps it}."""

    def __init__(self) -> None:
        super().__init__()
        self.records: dict[int, dict[str, Any]] = {}
        self.ids = itertools.count(1)
        self.poison: set[str] = set()
        self.contract = contract(KINTONE)

    def make(self, **values: Any) -> dict[str, Any]:
        """As a person makes one."""
        number = next(self.ids)
        self.records[number] = {"revision": 1, "$id": number, **dict.fromkeys(FORM, ""), **values}
        return self.records[number]

    def change(self, record: dict[str, Any], **values: Any) -> None:
        """As a person edits one."""
        record |= {**values, "revision": record["revision"] + 1}

    def by_key(self) -> dict[str, dict[str, Any]]:
        found = {record["ikusei_id"]: record for record in self.records.values() if record["ikusei_id"]}
        assert len(found) == sum(bool(record["ikusei_id"]) for record in self.records.values())
        return found

    def answer(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: Any
    ) -> tuple[int, Any]:
        if headers.get("x-cybozu-api-token") != TOKEN:
            raise VendorError(401, {"code": "GAIA_IA02", "id": "x", "message": "The token is not valid"})
        generic = re.sub(r"^/k/guest/\d+/", "/k/", path)
        known = self.contract.parameters(method, generic) if generic.startswith("/k/v1/") else set()
        if unknown := {re.sub(r"\[\d+\]$", "", name) for name in query} - known:
            self._judge(f"{method} {generic} knows no parameter {sorted(unknown)}")
        self._judge(self.contract.complaint(method, generic, body or None))
        if (body["app"] if body else int(query["app"])) != APP:
            raise VendorError(404, {"code": "GAIA_AP01", "id": "x", "message": "no such app"})
        said = self._do(method, generic, query, body)
        self._judge(self.contract.complaint(method, generic, said, 200))
        return 200, said

    def _judge(self, complaint: str | None) -> None:
        if complaint:
            self.complaints.append(complaint)
            raise VendorError(400, {"code": "CB_IL02", "id": "x", "message": complaint})

    def _do(self, method: str, path: str, query: Mapping[str, str], body: Any) -> dict[str, Any]:
        if path == "/k/v1/app/form/fields.json":
            return {"properties": self._form(), "revision": 1}
        if method == "GET":
            names = [value for name, value in query.items() if name.startswith("fields[")]
            return {"records": [self._shown(row, names) for row in self._search(query["query"])]}
        if method == "DELETE":
            ids = [int(value) for name, value in query.items() if name.startswith("ids[")]
            revisions = [int(value) for name, value in query.items() if name.startswith("revisions[")]
            for number, revision in zip(ids, revisions, strict=True):
                self._matches(self._at(number), revision)
            for number in ids:
                del self.records[number]
            return {}
        if len(body["records"]) > 100:
            raise VendorError(400, {"code": "CB_VA01", "id": "x", "message": "at most 100 records"})
        return self._post(body) if method == "POST" else self._put(body)

    def _form(self) -> dict[str, dict[str, Any]]:
        form = {}
        for code, kind in FORM.items():
            form[code] = {"type": kind, "code": code, "label": code, "noLabel": False}
            if kind in ("SINGLE_LINE_TEXT", "NUMBER", "LINK"):
                form[code] |= {"unique": code == "ikusei_id", "required": code == "ikusei_id"}
        return form

    def _post(self, body: Mapping[str, Any]) -> dict[str, Any]:
        rows = [self._values(row) for row in body["records"]]
        for place, row in enumerate(rows):
            self._unique(place, row["ikusei_id"], [other["ikusei_id"] for other in rows[:place]])
        made = [self.make(**row) for row in rows]
        return {
            "ids": self.twist([row["$id"] for row in made]),
            "revisions": [row["revision"] for row in made],
        }

    def _unique(self, place: int, key: str, others: list[str]) -> None:
        if key in self.by_key() or key in others:
            raise _invalid(f"records[{place}].ikusei_id.value", "値がほかのレコードと重複しています。")

    def _put(self, body: Mapping[str, Any]) -> dict[str, Any]:
        writes = []
        for row in body["records"]:
            assert row["updateKey"]["field"] == "ikusei_id"
            record = self.by_key().get(row["updateKey"]["value"])
            if record is None and body.get("upsert"):
                record = self.make(ikusei_id=row["updateKey"]["value"])
            elif record is None:
                raise VendorError(404, {"code": "GAIA_RE01", "id": "x", "message": "no such record"})
            else:
                self._matches(record, row.get("revision", -1))
            writes.append((record, self._values(row["record"])))
        for record, values in writes:
            self.change(record, **values)
        rows = [{"id": record["$id"], "revision": record["revision"]} for record, _ in writes]
        return {"records": self.twist(rows)}

    def _at(self, number: int) -> dict[str, Any]:
        if number not in self.records:
            raise VendorError(404, {"code": "GAIA_RE01", "id": "x", "message": "no such record"})
        return self.records[number]

    def _matches(self, record: Mapping[str, Any], revision: int) -> None:
        if revision != -1 and revision != record["revision"]:
            said = {"code": "GAIA_CO02", "id": "x", "message": "the revision is not the latest"}
            raise VendorError(409, said)

    def _values(self, row: Mapping[str, Any]) -> dict[str, Any]:
        values = {}
        for code, cell in row.items():
            if code not in FORM:
                continue  # "Objects containing field codes that do not exist are ignored"
            values[code] = self._kept(code, cell["value"])
        if values.get("ikusei_id") in self.poison or values.get("headline") in self.poison:
            raise _invalid("records[0].email.value", f"{values.get('email')} は使えません。")
        return values

    def _kept(self, code: str, value: Any) -> Any:
        kind = FORM[code]
        if kind == "NUMBER" and value not in ("", None):
            return f"{Decimal(value):f}"
        if kind == "DATETIME" and value:
            at = datetime.fromisoformat(value.replace("Z", "+00:00")).astimezone(UTC)
            return f"{at:%Y-%m-%dT%H:%M:00Z}"
        return value

    def _shown(self, record: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
        said = {}
        for name in names:
            if name == "$id":
                said[name] = {"type": "__ID__", "value": str(record["$id"])}
            elif name == "$revision":
                said[name] = {"type": "__REVISION__", "value": str(record["revision"])}
            elif name in FORM:
                said[name] = {"type": FORM[name], "value": record[name]}
        return said

    def _search(self, query: str) -> list[dict[str, Any]]:
        if len(quote(query)) > 8000:
            raise VendorError(414, "")
        records = sorted(self.records.values(), key=lambda record: record["$id"])
        found = re.fullmatch(r"ikusei_id in \((.*)\) limit 500", query)
        if found:
            keys = {re.sub(r"\\(.)", r"\1", key) for key in re.findall(r'"((?:[^"\\]|\\.)*)"', found[1])}
            return [record for record in records if record["ikusei_id"] in keys]
        found = re.fullmatch(r'ikusei_id != "" and \$id > (\d+) order by \$id asc limit 500', query)
        if not found:
            raise VendorError(400, {"code": "GAIA_IQ11", "id": "x", "message": f"query: {query}"})
        return [r for r in records if r["ikusei_id"] and r["$id"] > int(found[1])][:500]


def _invalid(place: str, message: str) -> VendorError:
    said = {"code": "CB_VA01", "id": "x", "message": "入力内容が正しくありません。"}
    return VendorError(400, {**said, "errors": {place: {"messages": [message]}}})
