"""Tryton: leads -> `sale.opportunity` with its party, by the unique key of the module tryton_warehouse_key.

Each call looks first (bulk read by key), writes what differs in bulk, and checks every row. A create that a
former self already made is refused by the unique key and adopted; a write carries the `_timestamp` that was
read, so a late older write is refused by the server. Two keys carry it: `external_id` of the opportunity,
`code` of the party. Tested against Tryton 8.2 on PostgreSQL (tests/test_activation_tryton.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ingestion.tryton_rpc import Busy, Changed, NotAllowed, NotReached, Refused, Tryton, TrytonError
from orchestration.activation.configuration import Sync
from orchestration.activation.destinations import (
    CLOSED,
    Answer,
    Destination,
    Guarantee,
    Message,
    NotConfigured,
    Outcome,
    ReadFailed,
    Seen,
    Unfit,
    masked,
    needed_secret,
)
from orchestration.activation.destinations.rounds import Rounds
from orchestration.activation.destinations.tryton_records import LOOKUPS, Lead, LeadReader, mapping_trouble
from orchestration.activation.destinations.webhook import checked_url
from orchestration.activation.pacing import PACING_OPTIONS

OPPORTUNITY, PARTY = "sale.opportunity", "party.party"
_CALLS = {OPPORTUNITY: "model.sale.opportunity", PARTY: "model.party.party"}

# One record to write: key, id, values, the timestamp that was read.
Change = tuple[str, int, dict[str, Any], str]


class TrytonCrm(Destination):
    """One Tryton database, in the name of one user."""

    guarantee: ClassVar = Guarantee(
        "A", "exactly once by a unique key; a late older write is refused by compare-and-set"
    )
    modes: ClassVar = frozenset({"insert", "update_only", "upsert", "mirror", "archive"})
    ownerships: ClassVar = frozenset({"overwrite", "fill"})
    secrets: ClassVar = frozenset({"url", "user", "password"})
    known_options: ClassVar = frozenset({"timeout_seconds", "when_deleted", "rows_per_call"}) | PACING_OPTIONS
    reads_by_key: ClassVar = True
    looks_before_writing: ClassVar = True
    rows_per_call = 200

    def __init__(self, sync: Sync, client: Tryton) -> None:
        self._mode, self._client = sync.mode, client
        self._recreates = sync.options.get("when_deleted", "leave") == "recreate"
        self._owned = [field.name for field in sync.sent_fields if field.ownership == "overwrite"]
        self.rows_per_call = int(sync.options.get("rows_per_call", 200))
        self._reader = LeadReader(client, [field.name for field in sync.sent_fields])

    @classmethod
    def open(cls, sync: Sync, out_dir: Path, secrets: Mapping[str, str]) -> TrytonCrm:
        """Checks address, user and password. Raises NotConfigured naming the variable, never its value."""
        url = checked_url(needed_secret(sync, "url", secrets), sync.secrets["url"])
        user, password = (needed_secret(sync, name, secrets) for name in ("user", "password"))
        if sync.options.get("when_deleted", "leave") not in ("leave", "recreate"):
            raise NotConfigured(f"{sync.path}: options.when_deleted is leave or recreate.")
        # Half a lease: a request must end before another process may take the sync over.
        seconds = min(30.0, float(sync.options.get("timeout_seconds", 20)))
        return cls(sync, Tryton(url, user, password, timeout_seconds=seconds))

    @property
    def requests(self) -> int:
        """HTTP requests so far."""
        return self._client.requests

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()

    def check(self, sync: Sync) -> None:
        """Asks the server for its fields. Raises Unfit naming what is missing; silence is left to `send`."""
        try:
            trouble = mapping_trouble(self._client, [field.name for field in sync.sent_fields])
        except TrytonError:
            return
        if trouble:
            raise Unfit(f"{sync.path}: {trouble}")

    def read(self, keys: Sequence[str] | None) -> Mapping[str, str]:
        """key -> fingerprint of the fields that we own; CLOSED for what the sales people have finished."""
        needs = any("." in name for name in self._owned)
        try:
            found = self._reader.read(keys, with_parties=needs)
        except TrytonError as error:
            raise ReadFailed(error.kind) from error
        return {
            key: CLOSED if lead.is_closed else lead.fingerprint(self._owned)
            for key, lead in found.items()
            if lead.opportunity_id is not None
        }

    def look(self) -> Mapping[str, Seen]:
        """Every opportunity with a key, what its fields hold, and into which party its own was merged."""
        needs = any("." in name for name in self._owned)
        try:
            survivors, found = self._reader.survivors(), self._reader.read(None, with_parties=needs)
        except TrytonError as error:
            raise ReadFailed(error.kind) from error
        return {
            key: Seen(
                CLOSED if lead.is_closed else lead.fingerprint(self._owned),
                lead.fingerprints(self._owned),
                str(lead.opportunity_id),
                survivors.get(key),
                lead.changed_at and f"{lead.changed_at:%Y-%m-%d %H:%M:%S.%f}",
            )
            for key, lead in found.items()
        }

    def field_fingerprints(self, message: Message) -> Mapping[str, str]:
        """What `look` gives as fields when Tryton has exactly this message."""
        return Lead.wanted(message.fields).fingerprints(self._owned)

    def fingerprint(self, message: Message) -> str:
        """The fingerprint that `read` gives when Tryton has exactly this message."""
        return Lead.wanted(message.fields).fingerprint(self._owned)

    def send(self, messages: Sequence[Message], whole: Callable[[], Sequence[Message]]) -> list[Answer]:
        """Looks, then writes what differs; several looks where others write at the same time."""
        return _Call(self, messages).answered()


class _Call(Rounds):
    """One `send` to one Tryton database."""

    broken_off: ClassVar = TrytonError

    def __init__(self, owner: TrytonCrm, messages: Sequence[Message]) -> None:
        super().__init__(messages)
        self._client, self._reader = owner._client, owner._reader
        self._mode, self._recreates = owner._mode, owner._recreates

    def failed(self, error: TrytonError, message: Message, *, is_doubtful: bool) -> Answer:
        """What broke off is in doubt where a write may have arrived, and undone elsewhere."""
        return answer_of(error, message, is_doubtful=is_doubtful)

    def look_and_write(self) -> None:
        """One look by key, then parties, then opportunities: each step in bulk."""
        messages = self.left
        needs = self._recreates or any(map(_needs_party, messages))
        keys = [message.key for message in messages]
        found = self._reader.read(keys, with_parties=needs)
        if not needs and any(lead.party_id is None for lead in found.values()):
            found = self._reader.read(keys)  # somebody took the party off
        self._take_back([m for m in messages if m.op == "remove"], found)
        wanted = [m for m in messages if m.op == "upsert" and not self._is_theirs(m, found.get(m.key))]
        wanted = self._resolved(wanted)
        self._write_parties(wanted, found)
        self._write_opportunities(wanted, found)

    def _is_theirs(self, message: Message, lead: Lead | None) -> bool:
        """Answers what must not be written: deleted or finished by people, or only to be inserted."""
        if lead is None or lead.opportunity_id is None:
            is_gone = message.is_update and not self._recreates
            if is_gone or self._mode == "update_only":
                word = "deleted_there" if message.is_update else "not_there"
                self.answers[message.key] = Answer(Outcome.ABSENT, error_class=word)
        elif self._mode == "insert":
            self._ack(message, lead, "was_there")
        elif lead.state == "cancelled" and not message.is_update and self._mode in ("archive", "mirror"):
            self._press("lead", [lead])  # we had closed it ourselves; the next round looks again
            return True
        elif lead.is_closed:
            self._ack(message, lead, "closed")
        return message.key in self.answers

    def _resolved(self, messages: list[Message]) -> list[Message]:
        """Rejects rows that name an employee whom Tryton does not have; the others stay."""
        left = []
        for message in messages:
            values = {**message.fill, **message.fields}
            missing = [
                name for name in LOOKUPS if values.get(name) and not self._reader.id_of(name, values[name])
            ]
            if missing:
                text = (
                    f"no {LOOKUPS[missing[0]][0]} has the {LOOKUPS[missing[0]][1]} of this row's {missing[0]}"
                )
                self.answers[message.key] = Answer(Outcome.REJECTED, error_class="no_such_record", text=text)
            else:
                left.append(message)
        return left

    def _ack(self, message: Message, lead: Lead | None, word: str | None = None) -> None:
        remote = str(lead.opportunity_id) if lead and lead.opportunity_id else None
        self.answers[message.key] = Answer(Outcome.ACKED, 200, vendor_code=word, remote_id=remote)

    # Writing

    def _write_parties(self, messages: list[Message], found: dict[str, Lead]) -> None:
        create, change = [], []
        for message in messages:
            lead = found.get(message.key)
            if lead is None or lead.party_id is None:
                create.append((message.key, Lead.party_values(message)))
            elif values := lead.party_changes(message):
                change.append((message.key, lead.party_id, values, lead.party_timestamp))
        for key, party_id in self._create(PARTY, create):
            found.setdefault(key, Lead()).party_id = party_id
        written = {key for key, _ in self._change(PARTY, change)}
        for key in {key for key, *_ in change} - written:
            del found[key]  # changed or refused: the next round looks again

    def _write_opportunities(self, messages: list[Message], found: Mapping[str, Lead]) -> None:
        create, change = [], []
        for message in messages:
            lead = found.get(message.key)
            if message.key in self.answers or lead is None or lead.party_id is None:
                continue  # somebody took the party away in between: the next round looks again
            if lead.opportunity_id is None:
                values = lead.opportunity_values(message, self._reader.id_of)
                create.append((message.key, {**values, "external_id": message.key, "party": lead.party_id}))
            elif values := self._changes(message, lead):
                change.append((message.key, lead.opportunity_id, values, lead.timestamp))
            else:
                self._ack(message, lead)
        for key, remote_id in self._create(OPPORTUNITY, create):
            self.answers[key] = Answer(Outcome.ACKED, 200, remote_id=str(remote_id))
        for key, remote_id in self._change(OPPORTUNITY, change):
            self.answers[key] = Answer(Outcome.ACKED, 200, remote_id=str(remote_id))

    def _changes(self, message: Message, lead: Lead) -> dict[str, Any]:
        values = lead.opportunity_changes(message, self._reader.id_of)
        return values if lead.is_linked else {**values, "party": lead.party_id}

    def _create(self, model: str, rows: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, int]]:
        """Creates all or nothing; returns key and id of what was created."""
        if not rows:
            return []
        keys = [key for key, _ in rows]
        self.touched |= set(keys)
        try:
            ids = self._client.call(f"{_CALLS[model]}.create", [values for _, values in rows])
        except Refused as error:
            self._refused(error, keys, model, is_create=True)
            return []
        if not isinstance(ids, list) or len(ids) != len(rows):  # 200 alone is not proof
            self._doubt(keys, "answers_missing")
            return []
        return list(zip(keys, ids, strict=True))

    def _change(self, model: str, rows: list[Change]) -> list[tuple[str, int]]:
        """Writes all or nothing, only over what was read; returns key and id of what was written."""
        if not rows:
            return []
        keys = [key for key, *_ in rows]
        self.touched |= set(keys)
        params = [part for _, remote_id, values, _ in rows for part in ([remote_id], values)]
        stamps = {f"{model},{remote_id}": stamp for _, remote_id, _, stamp in rows}
        try:
            self._client.call(f"{_CALLS[model]}.write", *params, context={"_timestamp": stamps})
        except Refused as error:
            self._refused(error, keys, model, is_create=False)
            return []
        return [(key, remote_id) for key, remote_id, *_ in rows]

    def _refused(self, error: Refused, keys: list[str], model: str, *, is_create: bool) -> None:
        """A refusal rolled everything back. Who was there first, or changed it, is seen at the next look."""
        self.touched -= set(keys)
        if isinstance(error, Changed):
            return
        if is_create and self._reader.any_exists(keys, model):
            return  # a former self created it: adopt
        for key in keys:
            outcome = Outcome.REJECTED if len(keys) == 1 else Outcome.SPLIT
            text = masked(error.text, self.messages[key])
            self.answers[key] = Answer(outcome, error.status, "rejected", error.kind, text)

    def _doubt(self, keys: Iterable[str], word: str) -> None:
        for key in keys:
            self.answers[key] = Answer(Outcome.UNKNOWN, 200, word)

    # Taking back

    def _take_back(self, messages: list[Message], found: Mapping[str, Lead]) -> None:
        """A mirror cancels and deletes what it gave, an archive cancels; what people finished stays."""
        there = {m.key: found[m.key] for m in messages if m.key in found and found[m.key].opportunity_id}
        if there:
            self.touched |= set(there)
            try:
                self._press("cancel", [lead for lead in there.values() if not lead.is_closed])
                ids = [lead.opportunity_id for lead in there.values() if lead.state == "cancelled"]
                if self._mode == "mirror" and ids:
                    self._client.call(f"{_CALLS[OPPORTUNITY]}.delete", ids)
            except Refused as error:
                self._refused(error, list(there), OPPORTUNITY, is_create=False)
        for message in messages:
            if message.key not in self.answers and not (
                message.key in there and message.key not in self.touched
            ):
                self._ack(message, there.get(message.key))

    def _press(self, button: str, leads: Sequence[Lead]) -> None:
        ids = [lead.opportunity_id for lead in leads]
        if ids:
            self._client.call(f"{_CALLS[OPPORTUNITY]}.{button}", ids)
            for lead in leads:
                lead.state = {"cancel": "cancelled", "lead": "lead"}[button]
                lead.timestamp = None


def _needs_party(message: Message) -> bool:
    """May this message write to the party? To read parties and contacts is the dearest part of a look."""
    return not message.is_update or any("." in name for name in (*message.fields, *message.fill))


def answer_of(error: TrytonError, message: Message, *, is_doubtful: bool) -> Answer:
    """What an error means for a row; doubt only where a write may have arrived."""
    if isinstance(error, Busy):
        return Answer(Outcome.RETRY, error.status, "rate_limited", "429", None, error.retry_after)
    if isinstance(error, NotReached):
        return Answer(Outcome.UNREACHED, error.status, "no_connection", error.kind)
    if isinstance(error, NotAllowed):
        is_final = error.status in (401, 403)
        return Answer(Outcome.REFUSED, error.status, error.kind, str(error.status), stops=is_final)
    if isinstance(error, Refused):
        text = masked(error.text, message)
        return Answer(Outcome.REFUSED, error.status, "refused", error.kind, text)
    outcome = Outcome.UNKNOWN if is_doubtful else Outcome.UNREACHED
    code = str(error.status) if error.status else error.kind
    return Answer(outcome, error.status, error.kind, code, None, error.retry_after)
