"""Vendors' own OpenAPI files -> judges of the requests that we make and of the answers of a double."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

CONTRACTS = Path(os.environ.get("IKUSEI_SHARED", Path(__file__).parents[2] / "shared")) / "contracts"
KINTONE, HUBSPOT = "kintone/openapi.yaml", "hubspot/leads_v3_openapi.json"
_METHODS = {"get", "put", "post", "patch", "delete"}


@cache
def contract(path: str) -> Contract:
    """A vendor's contract; skips where the folder is absent, fails in CI."""
    found = CONTRACTS / path
    if not found.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{found} is not there, and CI must have it")
        pytest.skip(f"{found} is not there: set IKUSEI_SHARED to the folder that holds contracts/")
    text = found.read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return Contract(json.loads(text) if found.suffix == ".json" else yaml.load(text, Loader=loader))


class Contract:
    """One OpenAPI document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._paths = document["paths"]
        resource = Resource(contents=_as_json_schema(document), specification=DRAFT202012)
        self._registry = Registry().with_resource("urn:contract", resource)
        self._judges: dict[tuple[str, ...], Draft202012Validator] = {}

    def complaint(self, method: str, path: str, body: Any, status: int | None = None) -> str | None:
        """What is wrong with a request's body, or with the answer of a status; None when it fits."""
        operation = self._paths.get(path, {}).get(method.lower())
        if operation is None:
            return f"{method} {path} is not in the contract"
        steps = ["paths", path, method.lower()]
        if status is None:
            steps += ["requestBody", "content", "application/json", "schema"]
            if "requestBody" not in operation:
                return None if body in (None, "") else f"{method} {path} takes no body"
        else:
            known = str(status) if str(status) in operation["responses"] else "default"
            said = operation["responses"].get(known)
            if said is None:
                return f"{method} {path} never answers {status}"
            steps += ["responses", known, "content", "application/json", "schema"]
            if "application/json" not in said.get("content", {}):
                return None
        error = next(self._judge(tuple(steps)).iter_errors(body), None)
        return None if error is None else f"{method} {path} {status or ''}: {error.message[:300]}"

    def parameters(self, method: str, path: str) -> set[str]:
        """Names of the query parameters that an operation knows."""
        return {item["name"] for item in self._paths[path][method.lower()].get("parameters", [])}

    def _judge(self, steps: tuple[str, ...]) -> Draft202012Validator:
        if steps not in self._judges:
            pointer = "/".join(step.replace("~", "~0").replace("/", "~1") for step in steps)
            schema = {"$ref": f"urn:contract#/{pointer}"}
            self._judges[steps] = Draft202012Validator(schema, registry=self._registry)
        return self._judges[steps]


def _as_json_schema(said: Any) -> Any:
    """OpenAPI 3.0 says `nullable` where JSON Schema says `type: [..., "null"]`.

    And kintone says `oneOf` of shapes that have no required names, which every answer fits twice.
    """
    if isinstance(said, list):
        return [_as_json_schema(item) for item in said]
    if not isinstance(said, dict):
        return said
    inner = {"anyOf" if name == "oneOf" else name: _as_json_schema(value) for name, value in said.items()}
    if inner.pop("nullable", False) is True and isinstance(inner.get("type"), str):
        inner["type"] = [inner["type"], "null"]
    return inner
