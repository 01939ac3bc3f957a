"""kintone: rows -> records of one app, 100 a call, by a field with "prohibit duplicate values".

    look: GET records.json by the key field -> values and revision
    create: POST records.json; a second one of a key is refused by the unique field, and the first is adopted
    change: PUT records.json by `updateKey` with the `revision` that was read: compare-and-set

kintone could do both in one PUT with `upsert: true`. But a request that arrives late would then update a
record that meanwhile is newer, because a row that is to be created has no revision to compare. Two calls cost
one request more where a batch has both, and leave no such hole. A call is done whole or not at all, so a
refused one is asked again in halves until the row that is to blame stands alone.

Vendor: https://kintone.dev/en/docs/kintone/rest-api/records/update-records/ (and add-records, get-records,
delete-records), https://kintone.dev/en/docs/kintone/rest-api/apps/form/get-form-fields/
"""

from __future__ import annotations

import json
import logging
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import httpx

from ingestion.http_answers import NEVER_LEFT, is_loopback
from ingestion.vendor_calls import CallFailed, Certainty, failure_of_status
from orchestration.activation.configuration import Sync
from orchestration.activation.destinations import (
    Answer,
    Guarantee,
    Message,
    NotConfigured,
    Outcome,
    json_value,
    keyed,
    needed_secret,
)
from orchestration.activation.destinations.webhook import checked_url

_PAGE = 500  # the most records of one GET
_KEYS_AT_ONCE = 100  # in one query: its address must stay below 8 KB
_CHANGED = "GAIA_CO02"  # somebody wrote the record since it was read
_GONE = "GAIA_RE01"  # the record is not there any more
_CODES = {"USER_SELECT", "ORGANIZATION_SELECT", "GROUP_SELECT"}
_LISTS = _CODES | {"CHECK_BOX", "MULTI_SELECT"}
_READ_ONLY = {
    *("RECORD_NUMBER", "CREATOR", "CREATED_TIME", "MODIFIER", "UPDATED_TIME", "STATUS", "STATUS_ASSIGNEE"),
    *("CATEGORY", "CALC", "FILE", "SUBTABLE", "REFERENCE_TABLE", "GROUP", "LABEL"),
}


class Kintone(keyed.KeyedDestination):
    """One app of one domain."""

    guarantee: ClassVar = Guarantee(
        "A", "exactly once by a unique field; a late older write is refused by its revision"
    )
    secrets: ClassVar = frozenset({"url", "token"})
    needed_options: ClassVar = frozenset({"app", "key_field"})
    known_options: ClassVar = keyed.KEYED_OPTIONS | {
        "guest_space",
        "ca_file",
        "client_certificate",
        "closed_when",
    }
    most_rows_per_call: ClassVar = 100

    def __init__(self, sync: Sync, client: httpx.Client) -> None:
        super().__init__(sync)
        options = sync.options
        self._client, self._app, self._key = client, int(options["app"]), str(options["key_field"])
        guest = options.get("guest_space")
        self._root = f"/k/guest/{int(guest)}/v1" if guest else "/k/v1"
        self._closed_when = dict(options.get("closed_when") or {})
        self._types: dict[str, str] = {}
        self.requests = 0

    @classmethod
    def open(cls, sync: Sync, out_dir: Path, secrets: Mapping[str, str]) -> Kintone:
        """Checks address, token and certificates. Raises NotConfigured naming variable or option."""
        url = checked_url(needed_secret(sync, "url", secrets), sync.secrets["url"])
        token = needed_secret(sync, "token", secrets)
        logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it writes addresses with keys
        seconds = keyed.checked_keyed_options(sync)
        client = httpx.Client(
            base_url=url.rstrip("/"),
            timeout=seconds,
            follow_redirects=False,  # personal data goes to the configured host or nowhere
            trust_env=not is_loopback(httpx.URL(url).host),
            verify=_certificates(sync),
            headers={"x-cybozu-api-token": token, "user-agent": "ikusei-activation"},
        )
        return cls(sync, client)

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()

    def trouble_of(self, sync: Sync) -> str | None:
        """Compares the mapping with the form of the app."""
        there = self._fields()
        if not there.get(self._key, {}).get("unique"):
            return f"the app has no field '{self._key}' with 'prohibit duplicate values' ticked"
        for name in self.names:
            if name not in there:
                return f"the field code '{name}' is not in the app; mend the mapping"
            if there[name].get("type") in _READ_ONLY:
                return f"kintone lets nobody write '{name}'; give it the ownership never"
        return None

    def canonical(self, name: str, value: Any) -> str:
        """As kintone stores it: numbers without zeros at the end, times to the minute."""
        if not self._types:
            self._fields()
        kind, text = self._types.get(name), keyed.plain_text(value)
        if kind == "NUMBER":
            return keyed.number_text(value)
        return text[:16] if kind == "DATETIME" else text

    # Looking

    def find(self, messages: Sequence[Message]) -> dict[str, keyed.Remote]:
        """What the app has under the keys of these messages."""
        return self.find_keys([message.key for message in messages])

    def find_keys(self, keys: Sequence[str] | None) -> dict[str, keyed.Remote]:
        """By the key field, or all records that have one, by rising id."""
        found: dict[str, keyed.Remote] = {}
        if keys is not None:
            for start in range(0, len(keys), _KEYS_AT_ONCE):
                inside = ", ".join(map(_quoted, keys[start : start + _KEYS_AT_ONCE]))
                found |= self._read(f"{self._key} in ({inside}) limit {_PAGE}")
            return found
        last = 0
        while True:
            where = f'{self._key} != "" and $id > {last}'
            page = self._read(f"{where} order by $id asc limit {_PAGE}")
            found |= page
            if len(page) < _PAGE:
                return found
            last = max(int(remote.remote_id) for remote in page.values())

    def _read(self, query: str) -> dict[str, keyed.Remote]:
        names = dict.fromkeys(
            ["$id", "$revision", self._key, *self.names, *self._closed_when, *self.archive_values]
        )
        params: dict[str, Any] = {"app": str(self._app), "query": query}
        params |= {f"fields[{place}]": name for place, name in enumerate(names)}
        found = {}
        for record in self._call("GET", "/records.json", params=params)["records"]:
            values = {name: _said(record[name].get("value")) for name in names if name in record}
            is_closed = any(values.get(name) == str(value) for name, value in self._closed_when.items())
            found[values[self._key]] = keyed.Remote(
                values["$id"], values, values["$revision"], is_closed=is_closed
            )
        return found

    # Writing

    def write(self, writes: Sequence[keyed.Write]) -> list[Answer | None]:
        """One POST or one PUT; the ids and revisions come in the order of the rows."""
        try:
            if writes[0].remote is None:
                return self._create(writes)
            return self._change(writes)
        except CallFailed as error:
            if error.certainty is Certainty.REFUSED and (
                error.code in (_CHANGED, _GONE) or self._are_there_now(writes)
            ):
                return [None] * len(writes)
            raise

    def delete(self, doomed: Sequence[tuple[Message, keyed.Remote]]) -> list[Answer | None]:
        """Deletes only what is still as it was read."""
        params = {"app": str(self._app)}
        for place, (_, remote) in enumerate(doomed):
            params |= {f"ids[{place}]": remote.remote_id, f"revisions[{place}]": str(remote.stamp)}
        try:
            self._call("DELETE", "/records.json", params=params)
        except CallFailed as error:
            if error.certainty is Certainty.REFUSED and error.code in (_CHANGED, _GONE):
                return [None] * len(doomed)
            raise
        return [Answer(Outcome.ACKED, 200, remote_id=remote.remote_id) for _, remote in doomed]

    def _create(self, writes: Sequence[keyed.Write]) -> list[Answer | None]:
        records = [{self._key: {"value": w.message.key}, **self._record(w.values)} for w in writes]
        said = self._call("POST", "/records.json", {"app": self._app, "records": records})
        ids = said.get("ids") or []
        return [_acked(found) for found in ids] if len(ids) == len(writes) else _doubtful(writes)

    def _change(self, writes: Sequence[keyed.Write]) -> list[Answer | None]:
        records = []
        for write in writes:
            assert write.remote is not None
            key = {"field": self._key, "value": write.message.key}
            revision = int(write.remote.stamp or -1)
            records.append({"updateKey": key, "revision": revision, "record": self._record(write.values)})
        said = self._call("PUT", "/records.json", {"app": self._app, "records": records})
        rows = said.get("records") or []
        return [_acked(row.get("id")) for row in rows] if len(rows) == len(writes) else _doubtful(writes)

    def _are_there_now(self, writes: Sequence[keyed.Write]) -> bool:
        """Was a create refused because a former self had made one of them?"""
        if writes[0].remote is not None:
            return False
        return bool(self.find_keys([write.message.key for write in writes]))

    def _record(self, values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        return {name: {"value": self._shaped(name, value)} for name, value in values.items()}

    def _shaped(self, name: str, value: Any) -> Any:
        kind, said = self._types.get(name), json_value(value)
        text = "" if said is None else str(said)
        if kind not in _LISTS:
            return text
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return [{"code": part} for part in parts] if kind in _CODES else parts

    # Calling

    def _fields(self) -> dict[str, dict[str, Any]]:
        said = self._call("GET", "/app/form/fields.json", params={"app": str(self._app)})["properties"]
        self._types = {name: field["type"] for name, field in said.items()}
        return said

    def _call(self, method: str, path: str, body: Any = None, params: Mapping[str, str] | None = None) -> Any:
        self.requests += 1
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = {"content-type": "application/json"} if content else {}
        try:
            answer = self._client.request(
                method, self._root + path, content=content, params=params, headers=headers
            )
        except NEVER_LEFT as error:
            raise CallFailed(Certainty.NOT_REACHED, "no_connection") from error
        except httpx.TimeoutException as error:
            raise CallFailed(Certainty.IN_DOUBT, "time_out") from error
        except httpx.HTTPError as error:
            raise CallFailed(Certainty.IN_DOUBT, "broken_connection") from error
        try:
            said = json.loads(answer.content) if answer.content else {}
        except ValueError:
            said = None
        if answer.status_code == 200 and isinstance(said, dict):
            return said
        if answer.status_code == 200:
            raise CallFailed(Certainty.IN_DOUBT, "unreadable_answer", status=200)
        raise self._failure(answer, said if isinstance(said, dict) else {})

    def _failure(self, answer: httpx.Response, said: Mapping[str, Any]) -> CallFailed:
        code, text = said.get("code"), said.get("message")
        if errors := said.get("errors"):
            text = f"{text} {json.dumps(errors, ensure_ascii=False)}"
        if code in (_CHANGED, _GONE):  # the latter says 404, but it is about a record
            return CallFailed(Certainty.REFUSED, "rejected", status=answer.status_code, code=code, text=text)
        wait = answer.headers.get("retry-after")
        return failure_of_status(answer.status_code, retry_after=wait, code=code, text=text)


def _certificates(sync: Sync) -> ssl.SSLContext:
    """The machine's authorities, or a file of them; a client certificate where the domain wants one."""
    ca_file, own = sync.options.get("ca_file"), sync.options.get("client_certificate")
    for option, path in (("ca_file", ca_file), ("client_certificate", own)):
        if path and not Path(path).is_file():
            raise NotConfigured(f"{sync.path}: options.{option} names {path}, which is not a file.")
    context = ssl.create_default_context(cafile=ca_file)
    if own:
        context.load_cert_chain(own)
    return context


def _quoted(value: str) -> str:
    """A text in a query (kintone, "Query String: escaping")."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _said(value: Any) -> str:
    """A value as text; chosen users and units by their codes."""
    if isinstance(value, list):
        return ",".join(str(item.get("code")) if isinstance(item, dict) else str(item) for item in value)
    return "" if value is None else str(value)


def _acked(remote_id: Any) -> Answer:
    return Answer(Outcome.ACKED, 200, remote_id=str(remote_id))


def _doubtful(writes: Sequence[keyed.Write]) -> list[Answer | None]:
    return [Answer(Outcome.UNKNOWN, 200, "answers_missing") for _ in writes]
