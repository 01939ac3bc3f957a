"""Google Sheets: rows -> lines of one tab, found by a key column; what people add beside them is theirs.

    look: values.get of the tab -> header, and the line of each key
    write: values.batchUpdate with input option RAW: only our cells, and new keys below the last line

A spreadsheet has no unique column and no compare-and-set: whoever sorts the tab between our look and our
write gets a wrong line until the verify pass, and two writers at once can double a key. So this is class C.
RAW stores what a spreadsheet would otherwise run ("=IMPORTXML(...)") as the text that it is.
The service account's key file is named by the environment; share the spreadsheet with its address.

Vendor: https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.values/batchUpdate,
https://developers.google.com/workspace/sheets/api/limits (60 writes a minute and user)
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

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

_SCOPE = "https://www.googleapis.com/auth/spreadsheets"
_BUSY_REASONS = {"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED"}


class Sheets(keyed.KeyedDestination):
    """One tab of one spreadsheet."""

    guarantee: ClassVar = Guarantee(
        "C", "at least once, kept single by a look before each write; two writers at once can double a line"
    )
    package: ClassVar = ("googleapiclient", "sheets")
    modes: ClassVar = frozenset({"insert", "update_only", "upsert", "mirror"})
    secrets: ClassVar = frozenset({"credentials"})
    needed_options: ClassVar = frozenset({"spreadsheet", "tab"})
    known_options: ClassVar = keyed.KEYED_OPTIONS | {"key_column", "url"}
    most_rows_per_call: ClassVar = 500

    def __init__(self, sync: Sync, service: Any) -> None:
        super().__init__(sync)
        self._values = service.spreadsheets().values()
        self._spreadsheet, self._tab = str(sync.options["spreadsheet"]), str(sync.options["tab"])
        self._key = str(sync.options.get("key_column", "key"))
        self._header: list[str] = []
        self._next_line = 2
        self.requests = 0

    @classmethod
    def open(cls, sync: Sync, out_dir: Path, secrets: Mapping[str, str]) -> Sheets:
        """Reads the service account's key file. Raises NotConfigured naming the variable."""
        path, variable = Path(needed_secret(sync, "credentials", secrets)), sync.secrets["credentials"]
        seconds = keyed.checked_keyed_options(sync)
        try:
            import google_auth_httplib2
            import httplib2
            from google.oauth2 import service_account
            from googleapiclient import discovery
        except ImportError as error:
            raise NotConfigured(
                f"{sync.name} is not configured: Google Sheets needs a package that is not installed: "
                "pip install 'ikusei[sheets]'."
            ) from error
        logging.getLogger("googleapiclient.discovery").setLevel(logging.INFO)
        try:
            account = service_account.Credentials.from_service_account_file(str(path), scopes=[_SCOPE])
        except (OSError, ValueError, KeyError) as error:
            raise NotConfigured(
                f"{sync.name} is not configured: {variable} must name the JSON key file of a service account."
            ) from error
        http = google_auth_httplib2.AuthorizedHttp(account, http=_patient(httplib2, seconds))
        contract = json.loads(
            (Path(discovery.__file__).parent / "discovery_cache/documents/sheets.v4.json").read_text("utf-8")
        )
        if url := sync.options.get("url"):
            contract["rootUrl"] = checked_url(str(url), f"{sync.path}: options.url").rstrip("/") + "/"
            contract.pop("mtlsRootUrl", None)
        return cls(sync, discovery.build_from_document(contract, http=http))

    def trouble_of(self, sync: Sync) -> str | None:
        """The tab must have our columns, or nothing at all: then the header is written here."""
        lines = self._get()
        if not any(lines):
            names = [self._key, *self.names]
            self._call(
                self._values.update(**self._at("A1"), valueInputOption="RAW", body={"values": [names]})
            )
            lines = [names]
        missing = [name for name in (self._key, *self.names) if name not in lines[0]]
        if missing:
            return f"the first line of the tab '{self._tab}' has no column '{missing[0]}'; add it there"
        return None

    def canonical(self, name: str, value: Any) -> str:
        """Cells come back as numbers or text; a number is compared as one."""
        return keyed.number_text(_cell(value))

    # Looking

    def find(self, messages: Sequence[Message]) -> dict[str, keyed.Remote]:
        """The lines of these messages' keys."""
        found, wanted = self.find_keys(None), {message.key for message in messages}
        return {key: remote for key, remote in found.items() if key in wanted}

    def find_keys(self, keys: Sequence[str] | None) -> dict[str, keyed.Remote]:
        """The line of each key; a key in two lines is trouble that people must end."""
        lines = self._get()
        self._header = [str(name) for name in lines[0]] if lines else []
        self._next_line = max(2, len(lines) + 1)
        if self._key not in self._header:  # the check that writes the first line was not heard
            raise CallFailed(Certainty.NOT_REACHED, "no_first_line")
        place, found = self._header.index(self._key), {}
        for number, cells in enumerate(lines[1:], start=2):
            key = str(cells[place]) if len(cells) > place else ""
            if key and key in found:
                found[key].trouble = "key_in_two_lines"
            elif key:
                found[key] = keyed.Remote(str(number), dict(zip(self._header, cells, strict=False)))
        return found if keys is None else {key: found[key] for key in keys if key in found}

    def _get(self) -> list[list[Any]]:
        said = self._call(
            self._values.get(**self._at(""), valueRenderOption="UNFORMATTED_VALUE", majorDimension="ROWS")
        )
        return said.get("values", [])

    # Writing

    def write(self, writes: Sequence[keyed.Write]) -> list[Answer | None]:
        """One batchUpdate: each cell of ours by its own range; the answer counts the cells of each."""
        ranges, owners = [], []
        for write in writes:
            line, values = self._line_of(write)
            for name, value in values.items():
                ranges.append({"range": self._cell_name(name, line), "values": [[_cell(value)]]})
                owners.append(write.message.key)
        said = self._call(
            self._values.batchUpdate(
                spreadsheetId=self._spreadsheet, body={"valueInputOption": "RAW", "data": ranges}
            )
        )
        answers = said.get("responses") or []
        if len(answers) != len(ranges):
            return [Answer(Outcome.UNKNOWN, 200, "answers_missing") for _ in writes]
        failed = {
            key for key, row in zip(owners, answers, strict=True) if int(row.get("updatedCells", 0)) != 1
        }
        return [
            Answer(Outcome.UNKNOWN, 200, "answers_missing")
            if write.message.key in failed
            else Answer(Outcome.ACKED, 200, remote_id=self._tab)
            for write in writes
        ]

    def delete(self, doomed: Sequence[tuple[Message, keyed.Remote]]) -> list[Answer | None]:
        """Empties our cells; the line and what people wrote beside it stay."""
        ranges = [
            self._cell_name(name, int(remote.remote_id))
            for _, remote in doomed
            for name in (self._key, *self.names)
        ]
        self._call(self._values.batchClear(spreadsheetId=self._spreadsheet, body={"ranges": ranges}))
        return [Answer(Outcome.ACKED, 200) for _ in doomed]

    def _line_of(self, write: keyed.Write) -> tuple[int, dict[str, Any]]:
        if write.remote is not None:
            return int(write.remote.remote_id), write.values
        line, self._next_line = self._next_line, self._next_line + 1
        return line, {self._key: write.message.key, **write.values}

    def _cell_name(self, name: str, line: int) -> str:
        place, letters = self._header.index(name) + 1, ""
        while place:
            place, rest = divmod(place - 1, 26)
            letters = chr(65 + rest) + letters
        return f"{self._quoted_tab()}!{letters}{line}"

    def _quoted_tab(self) -> str:
        return "'" + self._tab.replace("'", "''") + "'"

    def _at(self, cell: str) -> dict[str, str]:
        where = f"{self._quoted_tab()}!{cell}" if cell else self._quoted_tab()
        return {"spreadsheetId": self._spreadsheet, "range": where}

    def _call(self, request: Any) -> dict[str, Any]:
        return _executed(request, self._count)

    def _count(self) -> None:
        self.requests += 1


def _executed(request: Any, count: Callable[[], None]) -> dict[str, Any]:
    """The answer of one request, asked once. Raises CallFailed."""
    import google.auth.exceptions
    import httplib2
    from googleapiclient.errors import HttpError

    count()
    try:
        return request.execute(num_retries=0)
    except HttpError as error:
        status = int(error.resp.status)
        reasons = {str(item.get("reason")) for item in error.error_details or [] if isinstance(item, dict)}
        wait = error.resp.get("retry-after")
        if status == 403 and reasons & _BUSY_REASONS:
            status = 429
        raise failure_of_status(status, retry_after=wait, text=error.reason) from error
    except google.auth.exceptions.RefreshError as error:
        certainty = Certainty.NOT_REACHED if error.retryable else Certainty.NOT_ALLOWED
        raise CallFailed(certainty, "login", status=None if error.retryable else 401) from error
    except (
        google.auth.exceptions.TransportError,
        httplib2.ServerNotFoundError,
        ConnectionRefusedError,
    ) as error:
        raise CallFailed(Certainty.NOT_REACHED, "no_connection") from error
    except TimeoutError as error:
        raise CallFailed(Certainty.IN_DOUBT, "time_out") from error
    except (OSError, httplib2.HttpLib2Error, ValueError) as error:
        raise CallFailed(Certainty.IN_DOUBT, "broken_connection") from error
    except Exception as error:
        import http.client

        if not isinstance(error, http.client.HTTPException):
            raise
        raise CallFailed(Certainty.IN_DOUBT, "broken_connection") from error


def _patient(httplib2: Any, seconds: float) -> Any:
    """A transport that asks once and follows nobody: httplib2 sends a broken request again by itself."""
    transport = httplib2.Http(timeout=seconds)
    transport.follow_redirects = False
    httplib2.RETRIES = 1
    return transport


def _cell(value: Any) -> Any:
    said = json_value(value)
    return "" if said is None else said
