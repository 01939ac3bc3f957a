"""What every destination must say and do: messages in -> one answer for each message out.

A destination declares its guarantee class, and each run prints it:

* A: the other side keeps one record a key and a repeated message changes nothing (upsert by a unique key,
  or a
  unique key with compare-and-set).
* B: the other side refuses a second create of a key; the engine reads the first by key and adopts it.
* C: the key can be searched, but nothing stops two creates; doubt is settled by reading first, not by proof.
* D: nothing can be read back; a message in doubt is sent again.
"""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from orchestration.activation.configuration import ActivationError, Sync


class NotConfigured(ActivationError):
    """A secret or address is missing; the sync waits, the others go on."""


class Unfit(ActivationError):
    """The mapping does not fit what the other side has today; nothing was sent."""


class ReadFailed(Exception):
    """The other side could not be read just now; what was sent before stays as it was known."""


CLOSED = "closed"  # the fingerprint of a record that the other side has finished with: it is theirs now


class Outcome(StrEnum):
    """What one answer tells us about one message."""

    ACKED = "acked"  # the other side has it
    REJECTED = "rejected"  # the other side will never take this row as it is
    RETRY = "retry"  # nothing was done, ask again later (429)
    UNREACHED = "unreached"  # the message never left (no connection)
    REFUSED = "refused"  # nothing was done and the row is not to blame (403, 404)
    UNKNOWN = "unknown"  # it may or may not have been done
    SPLIT = "split"  # nothing was done because of one of the rows: ask again in halves
    ABSENT = "absent"  # nothing was done: the record is not there and is not ours to create


@dataclass(frozen=True)
class Guarantee:
    """Class A to D and the sentence that a run prints."""

    letter: str
    sentence: str

    def __str__(self) -> str:
        return f"class {self.letter}: {self.sentence}"


@dataclass(frozen=True)
class Message:
    """One row on its way: what the other system should have (op `upsert`) or lose (op `remove`).

    `fields` are the values we own, `fill` first values that the other side may keep its own over. `version`
    grows with each change of a key and never goes back, so a receiver can tell a late message from a new one.
    `is_update`: the other side once confirmed that it has this key. `must_write`: an older version may
    still be on its way, so writing, and not only looking, is what makes it too late.
    """

    sync: str
    key: str
    version: int
    op: str
    row_hash: str
    made_at: str
    fields: Mapping[str, Any]
    fill: Mapping[str, Any]
    is_update: bool = False
    must_write: bool = False
    given: frozenset[str] = frozenset()  # names in `fill` whose very value was acknowledged before

    @property
    def message_id(self) -> str:
        """Stable idempotency key: a resend of the same version of the same row carries the same one."""
        said = "\x1f".join([self.sync, self.key, str(self.version), self.row_hash])
        return "msg_" + hashlib.sha256(said.encode()).hexdigest()[:40]


@dataclass(frozen=True)
class Answer:
    """What came back for one message. `stops`: no other message can fare better (a revoked secret).

    `text` is masked, `retry_after` is in seconds.
    """

    outcome: Outcome
    http_status: int | None = None
    error_class: str | None = None
    vendor_code: str | None = None
    text: str | None = None
    retry_after: float | None = None
    remote_id: str | None = None
    stops: bool = False


@dataclass(frozen=True)
class Seen:
    """What an audit finds under one key; what the destination cannot tell stays empty.

    fields: name -> fingerprint of its value. merged_into: the key of the record that this one went into.
    changed_at: UTC as 'YYYY-MM-DD HH:MM:SS.ffffff'.
    """

    fingerprint: str
    fields: Mapping[str, str] = field(default_factory=dict)
    remote_id: str | None = None
    merged_into: str | None = None
    changed_at: str | None = None


class Destination(ABC):
    """One open destination of one sync. Subclasses live in one module each."""

    guarantee: ClassVar[Guarantee]
    modes: ClassVar[frozenset[str]]
    ownerships: ClassVar[frozenset[str]]
    secrets: ClassVar[frozenset[str]] = frozenset()
    needed_options: ClassVar[frozenset[str]] = frozenset()
    known_options: ClassVar[frozenset[str]] = frozenset()
    reads_by_key: ClassVar[bool]
    rows_per_call: ClassVar[int | None]  # None: all rows in one call
    looks_before_writing: ClassVar[bool] = False  # `send` itself settles doubt by a read by key
    package: ClassVar[tuple[str, str] | None] = None  # the module it needs, and the extra that brings it
    requests: int = 0  # made so far, where one call makes several

    @classmethod
    @abstractmethod
    def open(cls, sync: Sync, out_dir: Path, secrets: Mapping[str, str]) -> Destination:
        """Opens without sending. Raises NotConfigured with a sentence that names the missing variable."""

    @abstractmethod
    def send(self, messages: Sequence[Message], whole: Callable[[], Sequence[Message]]) -> list[Answer]:
        """Sends and returns one answer for each message, in their order; never raises for an answer.

        `whole()` gives every row that the destination should have after this call, where whole sets are
        written.
        """

    def check(self, sync: Sync) -> None:  # noqa: B027 - most destinations have no schema to ask for
        """Compares the mapping with what the other side has today. Raises Unfit naming the field."""

    def read(self, keys: Sequence[str] | None) -> Mapping[str, str]:
        """key -> fingerprint of what is there of these keys, or of all. Only where `reads_by_key`.

        Raises ReadFailed when nobody answers.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot be read back")

    def fingerprint(self, message: Message) -> str:
        """The fingerprint that `read` gives when the destination has exactly this message."""
        raise NotImplementedError(f"{type(self).__name__} cannot be read back")

    def look(self) -> Mapping[str, Seen]:
        """key -> what is there, for an audit of all keys. Only where `reads_by_key`; raises ReadFailed."""
        return {key: Seen(found) for key, found in self.read(None).items()}

    def field_fingerprints(self, message: Message) -> Mapping[str, str]:
        """What `look` gives as `fields` when the destination has exactly this message."""
        return {}

    def close(self) -> None:  # noqa: B027 - most destinations hold nothing open
        """Gives back connections."""


def destination_kinds() -> dict[str, type[Destination]]:
    """Name in a sync file -> class."""
    from orchestration.activation.destinations.bottlecrm import BottleCrm
    from orchestration.activation.destinations.files import Files
    from orchestration.activation.destinations.hubspot import HubSpot
    from orchestration.activation.destinations.hubspot_list import HubSpotList
    from orchestration.activation.destinations.kintone import Kintone
    from orchestration.activation.destinations.salesforce import Salesforce
    from orchestration.activation.destinations.sheets import Sheets
    from orchestration.activation.destinations.slack import Slack
    from orchestration.activation.destinations.tryton import TrytonCrm
    from orchestration.activation.destinations.webhook import Webhook

    return {
        "bottlecrm": BottleCrm,
        "files": Files,
        "hubspot": HubSpot,
        "hubspot_list": HubSpotList,
        "kintone": Kintone,
        "salesforce": Salesforce,
        "sheets": Sheets,
        "slack": Slack,
        "tryton": TrytonCrm,
        "webhook": Webhook,
    }


def needed_secret(sync: Sync, name: str, secrets: Mapping[str, str]) -> str:
    """The value of a secret that the sync file names. Raises NotConfigured naming the variable."""
    variable = sync.secrets[name]
    value = (secrets.get(variable) or "").strip()
    if not value:
        raise NotConfigured(f"{sync.name} is not configured: set the environment variable {variable}.")
    return value


def json_value(value: Any) -> Any:
    """A warehouse value as JSON: times as ISO 8601 in UTC, decimals as numbers (15 digits survive)."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return moment.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


_ADDRESS = re.compile(r"[^\s\"'<>@:,;]+@[^\s\"'<>@:,;]+")
_NUMBER = re.compile(r"\+?\d[\d\- ]{7,}\d")


def masked(text: str | None, message: Message, *, most: int = 300) -> str | None:
    """The other side's words without personal data: a validator loves to quote the value that it dislikes."""
    if not text:
        return None
    for name, value in {**message.fields, **message.fill}.items():
        if isinstance(value, str) and len(value) > 1:
            text = text.replace(value, f"<{name}>")
    text = _NUMBER.sub("<number>", _ADDRESS.sub("<address>", text))
    return " ".join(text.split())[:most]
