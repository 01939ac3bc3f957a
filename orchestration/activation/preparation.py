"""What happens to ledger rows before anything leaves: held, settled, followed, planned -> messages.

Pure but for the ledger: every function takes rows and returns rows; the caller commits them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestration.activation.configuration import Sync
from orchestration.activation.destinations import Message
from orchestration.activation.ledger_rows import REMOVED, LedgerRow, as_epoch, as_text
from orchestration.activation.plan import Model, ModelRow, Step, refusal, row_hash

_MENDED = {"error_class": None, "error_code": None, "error_text": None, "not_before": None}
DELETED_THERE = "deleted_there"  # a person deleted what we had sent


@dataclass(order=True)
class Work:
    """A message that waits for its moment. Order: due time (seconds since 1970), then as planned."""

    due: float
    place: int
    message: Message = field(compare=False)
    row: LedgerRow = field(compare=False)
    source: ModelRow | None = field(compare=False)
    tries: int = field(default=0, compare=False)
    server_errors: int = field(default=0, compare=False)  # 500s in a row for this row alone


def held_back(sync: Sync, model: Model, held: Mapping[str, LedgerRow], now: float) -> list[LedgerRow]:
    """Rows on their way whose person said no, or which left the model, wait as `held` with the reason."""
    reasons = {row.key: refusal(row, sync, model.denied) for row in model.rows}
    changed = []
    for key, before in held.items():
        reason = reasons.get(key, "left the model")
        is_on_its_way = before.state in ("planned", "unknown", "retry_wait", "rejected")
        if reason and is_on_its_way and before.op != "remove":
            changed.append(
                replace(before, state="held", error_class=reason, error_code=None, error_text=None)
            )
    for row in model.rows:
        if reasons[row.key] and row.key not in held:
            changed.append(fresh_row(sync, row, "held", reasons[row.key], now))
    return changed


def settled_by_reversion(sync: Sync, model: Model, held: Mapping[str, LedgerRow]) -> list[LedgerRow]:
    """Rows whose change was taken back before it left: the other side already has what we want."""
    allowed = (row for row in model.rows if refusal(row, sync, model.denied) is None)
    changed = []
    for row in allowed:
        before = held.get(row.key)
        if before is None or before.state in ("acked", "verified") or before.error_class == DELETED_THERE:
            continue
        is_there = before.is_live and before.remote_is_known
        if is_there and before.acked_hash == row_hash(row.values, sync.sent_fields):
            hash_there = str(before.acked_hash)
            changed.append(replace(before, state="acked", op="update", row_hash=hash_there, **_MENDED))
    return changed


def followed_people(model: Model, held: Mapping[str, LedgerRow]) -> list[LedgerRow]:
    """A merge gives a key another person_id; the ledger follows, nothing is sent for it."""
    changed = []
    for row in model.rows:
        before = held.get(row.key)
        if before is not None and before.person_id != row.person_id:
            changed.append(replace(before, person_id=row.person_id))
    return changed


def fresh_row(sync: Sync, row: ModelRow, state: str, reason: str | None, now: float) -> LedgerRow:
    """The ledger row of a key that the ledger does not know yet."""
    wanted = row_hash(row.values, sync.sent_fields)
    return LedgerRow(
        sync.name,
        row.key,
        row.person_id,
        "create",
        wanted,
        1,
        as_text(now),
        sync.config_digest,
        state,
        error_class=reason,
    )


def planned_row(
    sync: Sync, step: Step, before: LedgerRow | None, source: ModelRow | None, now: float
) -> LedgerRow:
    """The ledger row of a step. A new version exactly when it is a new message."""
    digest, person_id = sync.config_digest, source.person_id if source else None
    if before is None:
        assert source is not None
        return replace(fresh_row(sync, source, "planned", None, now), op=step.op)
    is_same = (
        before.row_hash == step.row_hash
        and before.config_digest == digest
        and before.state in ("planned", "unknown", "retry_wait", "held")
    )
    if is_same:
        state = "planned" if before.state == "held" else before.state
        return replace(before, op=step.op, state=state, person_id=person_id or before.person_id)
    return replace(
        before,
        person_id=person_id or before.person_id,
        op=step.op,
        row_hash=step.row_hash,
        version=before.version + 1,
        version_at=as_text(now),
        config_digest=digest,
        state="planned",
        not_before=None if before.state != "retry_wait" else before.not_before,
        error_class=None,
        error_code=None,
        error_text=None,
    )


def queue(
    sync: Sync,
    planned: Sequence[LedgerRow],
    sources: Mapping[str, ModelRow],
    held: Mapping[str, LedgerRow],
    doubtful: Mapping[str, int],
) -> list[Work]:
    """Planned rows -> messages with their moments; what failed before goes last.

    `doubtful` says for a key which older version may still arrive there.
    """
    quiet = [row.not_before for row in held.values() if row.error_class == "rate_limited" and row.not_before]
    paused_until = max(map(as_epoch, quiet), default=0.0)
    work = []
    for place, row in enumerate(sorted(planned, key=lambda row: row.attempts)):
        due = max(as_epoch(row.not_before) if row.not_before else 0.0, paused_until)
        source = None if row.op == "remove" else sources[row.key]
        must_write = 0 < doubtful.get(row.key, 0) < row.version
        work.append(Work(due, place, message_of(sync, row, source, must_write=must_write), row, source))
    return work


def message_of(sync: Sync, row: LedgerRow, source: ModelRow | None, *, must_write: bool = False) -> Message:
    """The message of a ledger row; the same row gives the same message on every attempt."""
    values = source.values if source else {}
    owned = {field.name: field.ownership for field in sync.sent_fields if source}
    before, now = row.field_hashes if row.is_live else {}, source.field_hashes if source else {}
    return Message(
        sync=row.sync,
        key=row.key,
        version=row.version,
        op="remove" if row.op == "remove" else "upsert",
        row_hash=row.row_hash,
        made_at=row.version_at.replace(" ", "T") + "Z",
        fields={name: values[name] for name, who in owned.items() if who == "overwrite"},
        fill={name: values[name] for name, who in owned.items() if who == "fill"},
        is_update=row.is_live,
        must_write=must_write,
        given=frozenset(
            name for name, who in owned.items() if who == "fill" and before.get(name) == now[name]
        ),
    )


def whole_set(sync: Sync, model: Model, may_leave: Mapping[str, bool]) -> list[Message]:
    """Every row that the destination should have, for destinations that write whole sets."""
    never = as_text(0.0)
    outline = LedgerRow(sync.name, "", None, "update", "", 0, never, sync.config_digest, "planned")
    return [message_of(sync, replace(outline, key=row.key), row) for row in model.rows if may_leave[row.key]]


def stranger(sync: Sync, key: str, now: float) -> LedgerRow:
    """A row of ours at the destination that we do not remember: a mirror takes it out."""
    return LedgerRow(
        sync.name,
        key,
        None,
        "remove",
        REMOVED,
        1,
        as_text(now),
        sync.config_digest,
        "planned",
        remote_is_known=0,
    )
