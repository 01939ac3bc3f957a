"""Google Sheets on loopback: one spreadsheet as lists of cells, held to the discovery document in the
client's wheel (paths, parameters, fields of each body), and the token endpoint of a service account."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import googleapiclient
from vendor_server import Double, VendorError

SPREADSHEET, TOKEN = "spreadsheet-double", "ya29.double"
_RANGE = re.compile(r"'((?:[^']|'')+)'(?:!([A-Z]+)(\d+))?")


@cache
def discovery() -> dict[str, Any]:
    """The contract: revision and schemas as Google published them with the client."""
    path = Path(googleapiclient.__file__).parent / "discovery_cache/documents/sheets.v4.json"
    return json.loads(path.read_text(encoding="utf-8"))


class SheetsDouble(Double):
    """`tabs[name]` is a list of lines of cells."""

    def __init__(self) -> None:
        super().__init__()
        self.tabs: dict[str, list[list[Any]]] = {"leads": []}
        self.methods = discovery()["resources"]["spreadsheets"]["resources"]["values"]["methods"]

    def is_write(self, method: str, path: str) -> bool:
        return "/values" in path and method != "GET"

    def lines(self) -> list[dict[str, Any]]:
        header, *lines = self.tabs["leads"] or [[]]
        return [dict(zip(header, [*line, *[""] * len(header)], strict=False)) for line in lines]

    def by_key(self) -> dict[str, dict[str, Any]]:
        return {line["key"]: line for line in self.lines() if line["key"]}

    def answer(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: Any
    ) -> tuple[int, Any]:
        if path == "/token":
            return 200, {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}
        if headers.get("authorization") != f"Bearer {TOKEN}":
            raise VendorError(401, {"error": {"code": 401, "message": "not authorised"}})
        start = f"/v4/spreadsheets/{SPREADSHEET}/values"
        if not path.startswith(start):
            raise VendorError(404, {"error": {"code": 404, "message": "no such spreadsheet"}})
        rest = unquote(path.removeprefix(start))
        name = {":batchUpdate": "batchUpdate", ":batchClear": "batchClear"}.get(rest)
        name = name or {"GET": "get", "PUT": "update"}[method]
        self._judge(name, query, body)
        if name == "get":
            return 200, {"range": rest[1:], "majorDimension": "ROWS", "values": self._get(rest[1:])}
        if name == "update":
            return 200, self._set({"range": rest[1:], **body}, query["valueInputOption"])
        if name == "batchClear":
            for place in body["ranges"]:
                self._set({"range": place, "values": [[""]]}, "RAW")
            return 200, {"spreadsheetId": SPREADSHEET, "clearedRanges": body["ranges"]}
        rows = [self._set(one, body["valueInputOption"]) for one in body["data"]]
        return 200, {"spreadsheetId": SPREADSHEET, "responses": self.twist(rows)}

    def _judge(self, name: str, query: Mapping[str, str], body: Any) -> None:
        method = self.methods[name]
        said = [f"{name} knows no parameter {key}" for key in query if key not in self._parameters(method)]
        if "request" in method:
            said += _complaints(body, method["request"]["$ref"])
        if said:
            self.complaints += said
            raise VendorError(400, {"error": {"code": 400, "message": said[0]}})

    def _parameters(self, method: Mapping[str, Any]) -> set[str]:
        return set(method["parameters"]) | set(discovery()["parameters"])

    def _get(self, place: str) -> list[list[Any]]:
        tab = _RANGE.fullmatch(place)[1].replace("''", "'")
        if tab not in self.tabs:
            raise VendorError(400, {"error": {"code": 400, "message": f"Unable to parse range: {place}"}})
        lines = [_trimmed(line) for line in self.tabs[tab]]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def _set(self, said: Mapping[str, Any], option: str) -> dict[str, Any]:
        tab, letters, number = _RANGE.fullmatch(said["range"]).groups()
        lines, column = self.tabs[tab.replace("''", "'")], 0
        for letter in letters:
            column = column * 26 + ord(letter) - 64
        for down, values in enumerate(said["values"]):
            for right, value in enumerate(values):
                line, place = int(number) - 1 + down, column - 1 + right
                lines += [[] for _ in range(line + 1 - len(lines))]
                lines[line] += [""] * (place + 1 - len(lines[line]))
                is_run = option != "RAW" and isinstance(value, str) and value.startswith("=")
                lines[line][place] = "#RUN!" if is_run else value
        cells = sum(len(values) for values in said["values"])
        return {"spreadsheetId": SPREADSHEET, "updatedRange": said["range"], "updatedCells": cells}


def _complaints(body: Any, name: str) -> list[str]:
    """What of a body is not in the named schema of the discovery document."""
    schema, said = discovery()["schemas"][name], []
    for key, value in (body or {}).items():
        field = schema["properties"].get(key)
        if field is None:
            said.append(f"{name} has no {key}")
        elif "enum" in field and value not in field["enum"]:
            said.append(f"{name}.{key} cannot be {value}")
        elif field.get("type") == "array" and "$ref" in field["items"]:
            said += [text for item in value for text in _complaints(item, field["items"]["$ref"])]
    return said


def _trimmed(line: list[Any]) -> list[Any]:
    """Google leaves out empty cells at the end of a line."""
    cells = list(line)
    while cells and cells[-1] in ("", None):
        cells.pop()
    return cells
