"""The diary of the world: everything that happened, each entry with its truth, before any file is written.

Behaviour, mail, sales and machines write into it; `files` and `truth` read it. What lies outside the
calendar is dropped at the door, so nothing can happen after the last day.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from .clock import Calendar, log_time


@dataclass(frozen=True)
class Visitor:
    """Who asks the web server: an address, a cookie or `-`, a user agent, and the truth about it."""

    address: str
    cookie: str
    user_agent: str
    person_key: str | None = None
    is_machine: bool = False
    kind: str = "anonymous"  # or a kind of person, crawler, hidden_scanner, mail_gate


@dataclass(frozen=True)
class Request:
    """One line of the web log and who truly made it."""

    moment: int
    line: str
    visitor: Visitor


@dataclass(frozen=True)
class Submission:
    """One form submission as it was sent, and who truly sent it."""

    moment: int
    row: dict[str, Any]
    person_key: str


@dataclass(frozen=True)
class MailEvent:
    """One event of the mail service, and whether a human caused it."""

    moment: int
    row: dict[str, Any]
    person_key: str  # the recipient
    actor_key: str | None  # who clicked, when it was somebody else (forwarded)
    is_machine: bool | None  # None: the mail service itself (processed, delivered, bounce)


@dataclass(frozen=True)
class Card:
    """One row of an offline list."""

    list_name: str
    day: date
    row: dict[str, str]  # by our own words: company, department, position, surname, ...
    person_key: str


@dataclass(frozen=True)
class Consent:
    """One decision about one channel, as it truly was."""

    moment: int
    person_key: str
    address: str
    channel: str
    status: str  # granted or denied
    basis: str


@dataclass(frozen=True)
class Identifier:
    """Something in the files that stands for a person over a span (both ends included)."""

    kind: str
    value: str
    person_key: str | None
    starts_at: int
    ends_at: int


@dataclass
class Diary:
    """All entries, in the order in which they were written down (not of time)."""

    calendar: Calendar
    requests: list[Request] = field(default_factory=list)
    submissions: list[Submission] = field(default_factory=list)
    mail_events: list[MailEvent] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    consents: list[Consent] = field(default_factory=list)
    identifiers: list[Identifier] = field(default_factory=list)
    sales: dict[str, list[tuple[int, dict[str, Any]]]] = field(default_factory=dict)
    opportunities: list[dict[str, Any]] = field(default_factory=list)  # the truth about each

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
        """Write one web log line (combined format with the visitor cookie at the end)."""
        if self.calendar.holds(moment):
            line = (
                f'{visitor.address} - - [{log_time(moment)}] "{method} {target} HTTP/1.1" '
                f'{status} {size or "-"} "{referrer}" "{visitor.user_agent}" "{visitor.cookie}"'
            )
            self.requests.append(Request(moment, line, visitor))

    def record(self, table: str, moment: int, row: dict[str, Any]) -> bool:
        """Write one row of a CRM table; its month is told by `moment`. False when outside the calendar."""
        if not self.calendar.holds(moment):
            return False
        self.sales.setdefault(table, []).append((moment, row))
        return True
