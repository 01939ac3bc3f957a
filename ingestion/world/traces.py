"""The truth of the large streams, noted while their files are being written: one pass, in order of time.

Log lines become `requests.parquet` and `sessions.parquet` and the spans in which somebody held a cookie; mail
events become `email_events.parquet`. Only open visits and the cookies themselves stay in memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zlib import crc32

import pyarrow as pa
import pyarrow.parquet as pq

from .clock import local_day, midnight, month_name
from .diary import Identifier

TIME = pa.timestamp("us")
REQUESTS = pa.schema(
    {
        "visitor_id": pa.string(), "occurred_at": TIME, "person_key": pa.string(), "is_machine": pa.bool_(),
        "kind": pa.string(), "machine_kind": pa.string(), "client_address": pa.string(), "line": pa.string(),
        "source_file": pa.string(), "session_key": pa.string(), "trouble": pa.string(),
    }
)  # fmt: skip
SESSIONS = pa.schema(
    {
        "session_key": pa.string(), "visitor_id": pa.string(), "person_key": pa.string(), "started_at": TIME,
        "ended_at": TIME, "page_views": pa.int64(), "is_machine": pa.bool_(), "machine_kind": pa.string(),
        "trouble": pa.string(),
    }
)  # fmt: skip
EMAIL_EVENTS = pa.schema(
    {
        "sg_event_id": pa.string(), "occurred_at": TIME, "event": pa.string(), "mid": pa.string(),
        "person_key": pa.string(), "actor_key": pa.string(), "is_machine": pa.bool_(),
        "machine_kind": pa.string(), "trouble": pa.string(),
    }
)  # fmt: skip

BREAK = 30 * 60  # seconds without a page after which a visit is a new one
_AT_ONCE = 60_000
# What may befall a cookie, the gravest first.
_OF_COOKIES = (
    "kiosk", "shared_device", "forwarded_mail", "cookie_deleted", "several_devices", "link_scanner",
    "hidden_crawler", "own_staff",
)  # fmt: skip
_OF_ALL_HOLDERS = {"kiosk", "shared_device"}


class Table:
    """A Parquet file that grows row by row; holds at most some ten thousand rows in memory."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema, self._rows = schema, []
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")

    def add(self, row: tuple[Any, ...]) -> None:
        """Take one row: values in the schema's order, times in seconds since 1970 (UTC)."""
        self._rows.append(row)
        if len(self._rows) >= _AT_ONCE:
            self._flush()

    def close(self) -> None:
        """Write what is left."""
        if self._rows:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        columns = [
            pa.array(values, pa.timestamp("s")).cast(TIME)
            if field.type == TIME
            else pa.array(values, field.type)
            for values, field in zip(zip(*self._rows, strict=True), self._schema, strict=True)
        ]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema))
        self._rows = []


class _Visit:
    __slots__ = ("ended", "facts", "key", "pages", "started", "trouble")

    def __init__(self, key: str, moment: int, facts: tuple[Any, ...]) -> None:
        self.key, self.started, self.ended, self.pages, self.facts = key, moment, moment, 0, facts


class RequestTruth:
    """Takes the log lines in order of time and knows their visits, their cookies and their visitors."""

    def __init__(self, folder: Path) -> None:
        self._requests = Table(folder / "requests.parquet", REQUESTS)
        self._sessions = Table(folder / "sessions.parquet", SESSIONS)
        self._open: dict[tuple[str, str | None], _Visit] = {}
        self._spans: dict[str, list[list[Any]]] = {}  # cookie: [person, first, last, trouble] each
        self.visitors: dict[str, set[str]] = {}  # month: human browsers, staff left out
        self.count = 0

    def add(
        self, moment: int, line: str, is_page: bool, facts: tuple[Any, ...], path: str, trouble: str | None
    ) -> None:
        """Note one log line; `facts` as in `Visitor.facts`."""
        _browser, cookie, address, person, is_machine, kind, own_trouble = facts
        visit = self._visit(moment, is_page, facts)
        if cookie:
            self._hold(cookie, person, moment, own_trouble)
        self.count += 1
        self._requests.add(
            (cookie, moment, person, is_machine, kind, machine_kind(facts), address, line, path,
             visit.key if visit else None, trouble or own_trouble)
        )  # fmt: skip

    def _visit(self, moment: int, is_page: bool, facts: tuple[Any, ...]) -> _Visit | None:
        """The visit to which a request belongs; only pages keep a visit alive."""
        place = (facts[0], facts[3])
        visit = self._open.get(place)
        if visit and moment - visit.ended > BREAK:
            self._close([self._open.pop(place)])
            visit = None
        if not is_page:
            return visit
        if visit is None:
            name = facts[1] or f"b{crc32(facts[0].encode()):08x}"
            visit = self._open[place] = _Visit(f"{name}-{facts[3] or ''}-{moment}", moment, facts)
        visit.ended, visit.pages = moment, visit.pages + 1
        return visit

    def _close(self, visits: Iterable[_Visit]) -> None:
        for visit in sorted(visits, key=lambda one: (one.started, one.key)):
            browser, cookie, _, person, is_machine, _, trouble = visit.facts
            machine = machine_kind(visit.facts)
            row = (
                visit.key,
                cookie,
                person,
                visit.started,
                visit.ended,
                visit.pages,
                is_machine,
                machine,
                trouble,
            )
            self._sessions.add(row)
            if machine is None:
                self.visitors.setdefault(month_name(local_day(visit.started)), set()).add(browser)

    def end_day(self, day: Any) -> None:
        """Let go of the visits that no later day can continue."""
        bound = midnight(day) + 86_400 - BREAK
        over = {place: visit for place, visit in self._open.items() if visit.ended < bound}
        for place in over:
            del self._open[place]
        self._close(over.values())

    def _hold(self, cookie: str, person: str | None, moment: int, trouble: str | None) -> None:
        spans = self._spans.setdefault(cookie, [])
        if spans and spans[-1][0] == person:
            spans[-1][2] = moment
            spans[-1][3] = _graver(spans[-1][3], trouble)
        else:
            spans.append([person, moment, moment, _graver(None, trouble)])

    def close(self) -> None:
        """Close what is open and finish both files."""
        self._close(self._open.values())
        self._open = {}
        self._requests.close()
        self._sessions.close()

    @property
    def cookies(self) -> int:
        """How many cookies were seen."""
        return len(self._spans)

    def cookie_spans(self, tied: set[str], untied: set[str]) -> Iterable[Identifier]:
        """For each cookie the spans in which one and the same person held it (None = never named).

        Args:
            tied: cookies that a form or a click of a mail names; of the others no trace says whose they are.
            untied: people who never pass a form of themselves.
        """
        for cookie, spans in self._spans.items():
            shared = next((span[3] for span in spans if span[3] in _OF_ALL_HOLDERS), None)
            for person, first, last, trouble in spans:
                label = shared or trouble
                if label is None and person in untied and cookie not in tied:
                    label = "untied_visits"
                yield Identifier("cookie", cookie, person, first, last, label, cookie in tied)


def machine_kind(facts: tuple[Any, ...]) -> str | None:
    """The kind of what is no customer: a machine, or our own staff; None for the human public."""
    return facts[5] if facts[4] or facts[5] == "own_staff" else None


def _graver(one: str | None, other: str | None) -> str | None:
    if one == other or other is None:
        return one if one in _OF_COOKIES else None
    found = [trouble for trouble in _OF_COOKIES if trouble in (one, other)]
    return found[0] if found else None
