"""Sales tools that keep one record a key: look by key, decide row by row, write what differs, look again.

A vendor's module says how to look and how to write; what is lost, doubled or overwritten is decided here,
once for all of them. A record that people closed or deleted is theirs. A first value (`fill`) goes only into
an empty field, and never again once it arrived. A row that somebody touched meanwhile is looked at again.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from ingestion.vendor_calls import CallFailed, Certainty, PackageMissing
from orchestration.activation.configuration import Sync
from orchestration.activation.destinations import (
    CLOSED,
    Answer,
    Destination,
    Message,
    NotConfigured,
    Outcome,
    ReadFailed,
    Seen,
    Unfit,
    json_value,
    masked,
)
from orchestration.activation.destinations.rounds import Rounds
from orchestration.activation.pacing import PACING_OPTIONS

KEYED_OPTIONS = PACING_OPTIONS | {
    *("timeout_seconds", "rows_per_call", "when_deleted", "archive_values", "restore_values"),
}


@dataclass
class Remote:
    """What the other side has under one key; `stamp` is what a compare-and-set compares."""

    remote_id: str
    values: Mapping[str, Any] = field(default_factory=dict)
    stamp: str | None = None
    is_closed: bool = False  # converted, won or lost: the sales people's word
    is_adopted: bool = False  # found by another sign than our key, which it does not have yet
    trouble: str | None = None  # why it must not be written: a word for the ledger
    changed_at: str | None = None  # the vendor's own spelling of the time


@dataclass(frozen=True)
class Write:
    """One row to write: the record as it was seen (None: create it) and the values to set."""

    message: Message
    remote: Remote | None
    values: dict[str, Any]


class KeyedDestination(Destination):
    """One object of one vendor, keyed by a field of ours."""

    reads_by_key: ClassVar[bool] = True
    looks_before_writing: ClassVar[bool] = True
    modes: ClassVar = frozenset({"insert", "update_only", "upsert", "mirror", "archive"})
    ownerships: ClassVar = frozenset({"overwrite", "fill"})
    most_rows_per_call: ClassVar[int]

    def __init__(self, sync: Sync) -> None:
        options = sync.options
        self.mode, self.path = sync.mode, sync.path
        self.recreates = options.get("when_deleted", "leave") == "recreate"
        self.archive_values = dict(options.get("archive_values") or {})
        self.restore_values = dict(options.get("restore_values") or {})
        self.owned = [item.name for item in sync.sent_fields if item.ownership == "overwrite"]
        self.names = [item.name for item in sync.sent_fields]
        most = self.most_rows_per_call
        self.rows_per_call = max(1, min(most, int(options.get("rows_per_call", most))))

    # What a vendor's module says

    @abstractmethod
    def find(self, messages: Sequence[Message]) -> dict[str, Remote]:
        """Key -> what is there of these messages. Raises CallFailed."""

    @abstractmethod
    def find_keys(self, keys: Sequence[str] | None) -> dict[str, Remote]:
        """Key -> what is there under these keys, or under all of ours. Raises CallFailed."""

    @abstractmethod
    def write(self, writes: Sequence[Write]) -> list[Answer | None]:
        """Writes one batch of `batches`; an answer for each, None for: look again. Raises CallFailed."""

    def delete(self, doomed: Sequence[tuple[Message, Remote]]) -> list[Answer | None]:
        """Takes records out; an answer for each, None for: look again. Raises CallFailed.

        A vendor whose `modes` take nothing out has no need to say how: each row is refused then.
        """
        return [Answer(Outcome.REJECTED, error_class="not_deleted_from_here") for _ in doomed]

    @abstractmethod
    def trouble_of(self, sync: Sync) -> str | None:
        """What does not fit between the mapping and the fields there, as a sentence. Raises CallFailed."""

    def find_merged(self) -> Mapping[str, str]:
        """Key of a record that people merged away -> key of the one that is left. Raises CallFailed."""
        return {}

    def batches(self, writes: Sequence[Write]) -> Iterator[list[Write]]:
        """The writes by request, where creates and changes go to two places."""
        for group in ([w for w in writes if w.remote is None], [w for w in writes if w.remote is not None]):
            if group:
                yield group

    def canonical(self, name: str, value: Any) -> str:
        """A value as the other side would store it, as text."""
        return plain_text(value)

    # What is the same for all

    def check(self, sync: Sync) -> None:
        """Asks for the fields there. Raises Unfit naming what is missing; silence is left to `send`."""
        try:
            trouble = self.trouble_of(sync)
        except CallFailed:
            return
        if trouble:
            raise Unfit(f"{sync.path}: {trouble}; nothing was sent.")

    def read(self, keys: Sequence[str] | None) -> Mapping[str, str]:
        """key -> fingerprint of the fields that we own; CLOSED for what people have finished."""
        try:
            found = self.find_keys(keys)
        except CallFailed as error:
            raise ReadFailed(str(error)) from error
        return {
            key: CLOSED if remote.is_closed else self._hash(remote.values) for key, remote in found.items()
        }

    def look(self) -> Mapping[str, Seen]:
        """Every record with our key, field by field, and those that were merged into another."""
        try:
            found, merged = self.find_keys(None), self.find_merged()
        except CallFailed as error:
            raise ReadFailed(str(error)) from error
        seen = {key: Seen("", merged_into=into) for key, into in merged.items()}
        for key, remote in found.items():
            whole = CLOSED if remote.is_closed else self._hash(remote.values)
            fields = self._hashes(remote.values)
            seen[key] = Seen(whole, fields, remote.remote_id, changed_at=_moment(remote.changed_at))
        return seen

    def field_fingerprints(self, message: Message) -> Mapping[str, str]:
        """What `look` gives as fields when the other side has exactly this message."""
        return self._hashes(message.fields)

    def fingerprint(self, message: Message) -> str:
        """The fingerprint that `read` gives when the other side has exactly this message."""
        return self._hash(message.fields)

    def send(self, messages: Sequence[Message], whole: Callable[[], Sequence[Message]]) -> list[Answer]:
        """Looks, then writes what differs; several looks where others write at the same time."""
        return _Call(self, messages).answered()

    def _hash(self, values: Mapping[str, Any]) -> str:
        return _hash("\x1f".join(f"{name}={self.canonical(name, values.get(name))}" for name in self.owned))

    def _hashes(self, values: Mapping[str, Any]) -> dict[str, str]:
        return {name: _hash(self.canonical(name, values.get(name))) for name in self.owned}

    def differing(self, message: Message, remote: Remote) -> dict[str, Any]:
        """Our fields that differ, and first values where the other side has nothing."""
        changes = {
            name: value
            for name, value in message.fill.items()
            if value not in (None, "") and self.canonical(name, remote.values.get(name)) == ""
        }
        for name, value in message.fields.items():
            is_there = self.canonical(name, remote.values.get(name)) == self.canonical(name, value)
            if message.must_write or remote.is_adopted or not is_there:
                changes[name] = value
        return changes


class _Call(Rounds):
    """One `send` to one object of a vendor."""

    broken_off: ClassVar = CallFailed

    def __init__(self, owner: KeyedDestination, messages: Sequence[Message]) -> None:
        super().__init__(messages)
        self.owner = owner

    def failed(self, error: CallFailed, message: Message, *, is_doubtful: bool) -> Answer:
        """What broke off is in doubt where a write may have arrived, and undone elsewhere."""
        return answer_of(error, message, is_doubtful=is_doubtful)

    def look_and_write(self) -> None:
        """One look by key, then what must go, then what differs."""
        messages = self.left
        found = self.owner.find(messages)
        self._take_back([m for m in messages if m.op == "remove"], found)
        writes = []
        for message in messages:
            remote = found.get(message.key)
            if message.op == "upsert" and not self._is_theirs(message, remote):
                writes.append(Write(message, remote, self._values(message, remote)))
        self._write([write for write in writes if write.values or not self._ack(write)])

    def _is_theirs(self, message: Message, remote: Remote | None) -> bool:
        """Answers what must not be written: deleted or finished by people, or only to be inserted."""
        if remote is None:
            is_gone = message.is_update and not self.owner.recreates
            if is_gone or self.owner.mode == "update_only":
                word = "deleted_there" if message.is_update else "not_there"
                self.answers[message.key] = Answer(Outcome.ABSENT, error_class=word)
        elif remote.trouble:
            self.answers[message.key] = Answer(Outcome.REJECTED, error_class=remote.trouble)
        elif self.owner.mode == "insert" and not remote.is_adopted:
            self.answers[message.key] = _acked(remote, "was_there")
        elif remote.is_closed:
            self.answers[message.key] = _acked(remote, "closed")
        return message.key in self.answers

    def _values(self, message: Message, remote: Remote | None) -> dict[str, Any]:
        if remote is None:
            said = {**message.fill, **message.fields}
            return {name: value for name, value in said.items() if value not in (None, "")}
        comes_back = not message.is_update and self._is_archived(remote)
        restored = self.owner.restore_values if comes_back else {}
        return {**self.owner.differing(message, remote), **restored}

    def _is_archived(self, remote: Remote) -> bool:
        said = self.owner.archive_values
        return bool(said) and all(
            self.owner.canonical(name, remote.values.get(name)) == self.owner.canonical(name, value)
            for name, value in said.items()
        )

    def _ack(self, write: Write) -> bool:
        """What already is as it should be needs no request; a new record does, even an empty one."""
        if write.remote is None or write.remote.is_adopted:
            return False
        self.answers[write.message.key] = _acked(write.remote, None)
        return True

    def _write(self, writes: Sequence[Write]) -> None:
        for batch in self.owner.batches(writes):
            self._do([write.message.key for write in batch], lambda batch=batch: self.owner.write(batch))

    def _take_back(self, messages: list[Message], found: Mapping[str, Remote]) -> None:
        """A mirror deletes what it gave, an archive closes it; what people finished stays."""
        doomed = []
        for message in messages:
            remote = found.get(message.key)
            if remote is None or remote.is_closed or remote.is_adopted:
                self.answers[message.key] = Answer(Outcome.ACKED, 200, vendor_code="left")
            else:
                doomed.append((message, remote))
        if doomed:
            self._do([message.key for message, _ in doomed], lambda: self._gone(doomed))

    def _gone(self, doomed: list[tuple[Message, Remote]]) -> list[Answer | None]:
        if self.owner.mode == "archive":
            values = self.owner.archive_values
            return self.owner.write([Write(message, remote, dict(values)) for message, remote in doomed])
        return self.owner.delete(doomed)

    def _do(self, keys: list[str], act: Callable[[], list[Answer | None]]) -> None:
        """One request; a refusal of the whole of it is asked again in halves by the engine."""
        self.touched |= set(keys)
        try:
            answers = act()
        except CallFailed as error:
            if error.certainty is not Certainty.REFUSED:
                raise
            for key in keys:
                outcome = Outcome.SPLIT if len(keys) > 1 else Outcome.REJECTED
                text = masked(error.text, self.messages[key])
                self.answers[key] = Answer(outcome, error.status, "rejected", error.code, text)
            answers = [None] * len(keys)
        for key, answer in zip(keys, answers, strict=True):
            if answer is not None:
                self.answers[key] = answer
        self.touched -= set(keys)


def answer_of(error: CallFailed, message: Message, *, is_doubtful: bool) -> Answer:
    """What a failed call means for a row; doubt only where a write may have arrived."""
    said = {"http_status": error.status, "vendor_code": error.code or error.kind}
    if error.certainty is Certainty.BUSY:
        return Answer(Outcome.RETRY, error_class="rate_limited", retry_after=error.retry_after, **said)
    if error.certainty is Certainty.NOT_REACHED:
        return Answer(Outcome.UNREACHED, error_class=error.kind, **said)
    if error.certainty is Certainty.NOT_ALLOWED:
        stops = error.status in (401, 403)
        text = masked(error.text, message)
        return Answer(Outcome.REFUSED, error_class=error.kind, text=text, stops=stops, **said)
    if error.certainty is Certainty.REFUSED:
        return Answer(Outcome.REFUSED, error_class="refused", text=masked(error.text, message), **said)
    outcome = Outcome.UNKNOWN if is_doubtful else Outcome.UNREACHED
    return Answer(outcome, error_class=error.kind, retry_after=error.retry_after, **said)


def checked_keyed_options(sync: Sync) -> float:
    """Seconds a request may take. Raises NotConfigured where the options contradict each other."""
    if sync.options.get("when_deleted", "leave") not in ("leave", "recreate"):
        raise NotConfigured(f"{sync.path}: options.when_deleted is leave or recreate.")
    if sync.mode == "archive" and not sync.options.get("archive_values"):
        raise NotConfigured(
            f"{sync.path}: mode archive needs options.archive_values, such as {{Status: Closed}}."
        )
    # Half a lease: a request must end before another process may take the sync over.
    return min(30.0, float(sync.options.get("timeout_seconds", 20)))


@contextmanager
def needs_package(sync: Sync) -> Iterator[None]:
    """Opens a vendor's client in its block. Raises NotConfigured where the vendor's package is missing."""
    try:
        yield
    except PackageMissing as error:
        raise NotConfigured(f"{sync.name} is not configured: {error}.") from error


def plain_text(value: Any) -> str:
    """A value as text: trimmed, empty for nothing, numbers without their trailing zeros."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal | int | float):
        return f"{Decimal(str(value)).normalize():f}" if value else "0"
    return str(json_value(value)).strip().replace("\r\n", "\n")


def number_text(value: Any) -> str:
    """As `plain_text`, for a field that the other side keeps as a number but may send as text."""
    text = plain_text(value)
    with suppress(InvalidOperation):
        return plain_text(Decimal(text)) if text else ""
    return text


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _moment(text: str | None) -> str | None:
    """A vendor's time in UTC, as the ledger writes times."""
    if not text:
        return None
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"


def _acked(remote: Remote, word: str | None) -> Answer:
    return Answer(Outcome.ACKED, 200, vendor_code=word, remote_id=remote.remote_id)
