"""The diary of the world: everything that happened, each entry with its truth, before any file is written.

Behaviour, mail, sales and machines write into it; `files` and `truth` read it. What lies outside the
calendar is dropped at the door, so nothing can happen after the last day.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from .clock import Calendar, log_time
from .spill import Spill


@dataclass(frozen=True)
class Visitor:
    """Who asks the web server: an address, a cookie or `-`, a user agent, and the truth about it."""

    address: str
    cookie: str
    user_agent: str
    person_key: str | None = None
    is_machine: bool = False
    kind: str = "anonymous"  # or a kind of person, or of machine: named_crawler, monitor, link_scanner, ...
    trouble: str | None = None

    @cached_property
    def facts(self) -> tuple[Any, ...]:
        """(browser, cookie or None, address, person, machine?, kind, trouble): the truth of its requests."""
        cookie = None if self.cookie == "-" else self.cookie
        browser = cookie or f"{self.address} {self.user_agent}"
        return browser, cookie, self.address, self.person_key, self.is_machine, self.kind, self.trouble


@dataclass(frozen=True)
class Submission:
    """One form submission as it was sent, and who truly sent it."""

    moment: int
    row: dict[str, Any]
    person_key: str


class MailEvent(NamedTuple):
    """One event of the mail service as a line of JSON, and whether a human caused it."""

    moment: int
    event_id: str
    line: str
    event: str
    token: str
    person_key: str  # the recipient
    actor_key: str | None  # who clicked or opened
    is_machine: bool | None  # None: the mail service itself (processed, delivered, bounce)
    machine_kind: str | None
    trouble: str | None


@dataclass(frozen=True)
class Card:
    """One row of an offline list."""

    list_name: str
    day: date
    row: dict[str, str]  # by our own words: company, department, position, surname, ...
    person_key: str
    trouble: str | None = None


class Consent(NamedTuple):
    """One decision about one channel, as it truly was."""

    moment: int
    person_key: str
    address: str
    channel: str
    status: str  # granted or denied
    basis: str
    trouble: str | None = None


class Identifier(NamedTuple):
    """Something in the files that stands for a person over a span (both ends included)."""

    kind: str
    value: str
    person_key: str | None
    starts_at: int
    ends_at: int
    trouble: str | None = None
    is_tied: bool | None = None  # cookies: whether a form or a click of a mail says whose it is


class Deed(NamedTuple):
    """Something a human truly did that counts: for tiers, hazards and figures."""

    moment: int
    person_key: str
    kind: str


@dataclass
class Diary:
    """All entries, in the order in which they were written down (not of time)."""

    calendar: Calendar
    folder: Path  # for what does not fit in memory
    submissions: list[Submission] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    consents: list[Consent] = field(default_factory=list)
    identifiers: list[Identifier] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)
    sales: dict[str, list[tuple[int, dict[str, Any]]]] = field(default_factory=dict)
    desks: dict[str, list[tuple[int, dict[str, Any]]]] = field(default_factory=dict)  # by kind of row
    opportunities: list[dict[str, Any]] = field(default_factory=list)  # the truth about each
    orders: list[dict[str, Any]] = field(default_factory=list)  # the truth about each
    waits: list[dict[str, Any]] = field(
        default_factory=list
    )  # who asked while two reps waited for one another
    spellings: dict[tuple[str, str], str | None] = field(default_factory=dict)  # (company, written): trouble
    departments: dict[str, str] = field(default_factory=dict)  # as written: official
    tied: set[str] = field(default_factory=set)  # cookies that a form or a click of a mail names
    untied: set[str] = field(default_factory=set)  # people whose own visits never lead to a form
    requests_noted: int = 0
    mail_events_noted: int = 0

    def __post_init__(self) -> None:
        self.requests = Spill(self.folder / "requests")
        self.mail_events = Spill(self.folder / "mail_events")

    def request(
        self,
        moment: int,
        visitor: Visitor,
        target: str,
        *,
        method: str = "GET",
        status: int = 200,
        size: int = 0,
        referrer: str = "-",
    ) -> None:
        """Note one web log line (combined format with the visitor cookie at the end).

        A page is what a browser asks for and gets: neither an asset, nor an error, nor a form being sent.
        """
        if self.calendar.holds(moment):
            line = (
                f'{visitor.address} - - [{log_time(moment)}] "{method} {target} HTTP/1.1" '
                f'{status} {size or "-"} "{referrer}" "{visitor.user_agent}" "{visitor.cookie}"'
            )
            is_page = method == "GET" and status < 400 and not target.startswith(_NO_PAGES)
            self.requests.add((moment, line, is_page, visitor.facts))
            self.requests_noted += 1

    def mail_event(self, row: dict[str, Any], *truth: Any) -> None:
        """Note one event of the mail service; `truth` as in `MailEvent` from person_key on."""
        moment = row["timestamp"]
        if self.calendar.holds(moment):
            line = json.dumps(row, ensure_ascii=False)
            entry = (moment, row["sg_event_id"], line, row["event"], row["mid"], *truth)
            self.mail_events.add(entry)
            self.mail_events_noted += 1

    def deed(self, moment: int, person_key: str | None, kind: str) -> None:
        """Note what somebody did, if within the calendar and by a known person."""
        if person_key is not None and self.calendar.holds(moment):
            self.deeds.append(Deed(moment, person_key, kind))

    def record(self, table: str, moment: int, row: dict[str, Any]) -> bool:
        """Write one row of a CRM table; its month is told by `moment`. False when outside the calendar."""
        if not self.calendar.holds(moment):
            return False
        self.sales.setdefault(table, []).append((moment, row))
        return True

    def note(self, kind: str, moment: int, row: dict[str, Any]) -> None:
        """Write one row of another desk, unless it lies outside the calendar."""
        if self.calendar.holds(moment):
            self.desks.setdefault(kind, []).append((moment, row))


_NO_PAGES = ("/assets/", "/robots.txt", "/sitemap.xml")
