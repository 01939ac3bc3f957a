"""Drift: what a destination has -> what differs from what the ledger believes, kept as findings.

An audit only looks. It runs under the same lease as sending, so that it never judges a row in flight; what
the next audit does not find any more is resolved. `verify` and `apply` would send what differs once more.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestration.activation.configuration import ActivationError, Sync
from orchestration.activation.destinations import (
    CLOSED,
    Destination,
    NotConfigured,
    ReadFailed,
    Seen,
    destination_kinds,
)
from orchestration.activation.each_sync import of_each_sync
from orchestration.activation.former_keys import with_known_keys
from orchestration.activation.lease import Lease, LeaseHeld
from orchestration.activation.ledger import Ledger
from orchestration.activation.ledger_rows import Drift, LedgerRow, as_text
from orchestration.activation.plan import Model, ModelRow, row_hash
from orchestration.activation.preparation import message_of

log = logging.getLogger(__name__)

KINDS = ("ghost", "orphan", "edited", "merged")


@dataclass
class SyncAudit:
    """What an audit of one sync found. Counts are rows.

    status: done; cannot_be_read (nothing can be read back there); not_configured; unreachable; busy (somebody
    is sending). believed: rows that were acknowledged; found: rows with a key there; pending: believed rows
    that are not judged, since the next apply changes them; closed: finished by people, and theirs.
    """

    sync: str
    destination: str
    status: str = "done"
    believed: int = 0
    found: int = 0
    agreed: int = 0
    pending: int = 0
    closed: int = 0
    drift: list[Drift] = field(default_factory=list)
    sentence: str = ""

    def count(self, kind: str) -> int:
        """How many findings are of a kind."""
        return sum(one.kind == kind for one in self.drift)

    @property
    def line(self) -> str:
        """The finding in words."""
        if self.status != "done":
            return self.sentence
        return (
            f"{self.believed:,} rows believed there, {self.agreed:,} agree, "
            f"{self.count('ghost'):,} are gone, {self.count('edited'):,} were edited, "
            f"{self.count('merged'):,} were merged, "
            f"{self.count('orphan'):,} are not ours, {self.closed:,} were finished by people, "
            f"{self.pending:,} wait for the next apply."
        )


def audit(
    warehouse: Path,
    ledger: Path,
    syncs: Path,
    *,
    only: str | None = None,
    out_dir: Path,
    secrets: Mapping[str, str],
    on_progress: Callable[[str], None] | None = None,
) -> list[SyncAudit]:
    """Looks at every destination that was ever sent to, one after another; each fails alone.

    Raises ConfigurationError, WarehouseError, LedgerError.
    """

    def look(opened: Ledger, sync: Sync, model: Model) -> SyncAudit:
        return _audit_one(opened, sync, model, out_dir, secrets)

    return of_each_sync(warehouse, ledger, syncs, look, only=only, on_progress=on_progress)


def _audit_one(
    opened: Ledger, sync: Sync, model: Model, out_dir: Path, secrets: Mapping[str, str]
) -> SyncAudit:
    began, made, lease = time.time(), SyncAudit(sync.name, sync.destination), None
    try:
        destination = _opened(sync, out_dir, secrets)
        try:
            lease = opened.take_lease(sync.name, began)
            held = opened.rows(sync.name)
            _compare(made, sync, with_known_keys(model, held), held, destination)
        finally:
            destination.close()
    except _NotReadable as error:
        made.status, made.sentence = "cannot_be_read", str(error)
    except NotConfigured as error:
        made.status, made.sentence = "not_configured", str(error)
    except LeaseHeld as error:
        made.status, made.sentence = "busy", str(error)
    except ReadFailed as error:
        made.status = "unreachable"
        made.sentence = f"{sync.destination} cannot be read now ({error}); audit again later."
    except ActivationError:
        raise
    except Exception as error:
        log.debug("%s", sync.name, exc_info=True)
        said = f"{sync.destination} did not answer ({type(error).__name__}); audit again later."
        made.status, made.sentence = "unreachable", said
    _record(opened, lease, made, began)
    return made


class _NotReadable(Exception):
    """Nothing can be read back from this kind of destination."""


def _opened(sync: Sync, out_dir: Path, secrets: Mapping[str, str]) -> Destination:
    kind = destination_kinds()[sync.destination]
    if not kind.reads_by_key:
        raise _NotReadable(f"{sync.destination} cannot be read back; its answers are all there is.")
    return kind.open(sync, out_dir, secrets)


def _record(opened: Ledger, lease: Lease | None, made: SyncAudit, began: float) -> None:
    now, is_whole = time.time(), made.status == "done"
    counts = {f"{kind}s" if kind in ("ghost", "orphan") else kind: made.count(kind) for kind in KINDS}
    said = {
        "audit_id": f"{as_text(began)[:19]}-{uuid.uuid4().hex[:8]}".replace(" ", "T"),
        "sync": made.sync,
        "destination": made.destination,
        "started_at": as_text(began),
        "finished_at": as_text(now),
        "status": made.status,
        **{name: getattr(made, name) for name in ("believed", "found", "agreed", "pending", "closed")},
        **counts,
        "sentence": made.line,
    }
    try:
        opened.record_audit(lease, said, made.drift if is_whole else None, now)
    finally:
        if lease is not None:
            opened.give_lease_back(lease)


# Comparing


def _compare(
    made: SyncAudit, sync: Sync, model: Model, held: Mapping[str, LedgerRow], destination: Destination
) -> None:
    """Judges every row that we believe is there, then names what else is there."""
    sources, there = {row.key: row for row in model.rows}, dict(destination.look())
    made.found, counted = len(there), Counter[str]()
    for key, row in held.items():
        seen = there.get(key)
        if row.is_live and row.remote_is_known:
            there.pop(key, None)
            made.believed += 1
            verdict = _judged(sync, row, sources.get(key), seen, destination)
            made.drift += [verdict] if isinstance(verdict, Drift) else []
            counted[verdict if isinstance(verdict, str) else verdict.kind] += 1
        elif row.acked_hash is None or not row.remote_is_known:
            there.pop(key, None)  # on its way, refused, or in doubt: the next apply settles it
    made.agreed, made.pending, made.closed = (counted[word] for word in ("agreed", "pending", "closed"))
    made.drift += [Drift(key, "orphan", None, None, seen.remote_id, None, seen.changed_at)
                   for key, seen in sorted(there.items())]  # fmt: skip


def _judged(
    sync: Sync, row: LedgerRow, source: ModelRow | None, seen: Seen | None, destination: Destination
) -> Drift | str:
    """A finding, or one of agreed, pending, closed."""
    if seen is None:
        return Drift(row.key, "ghost", row.person_id, None, row.remote_id)
    where = {"remote_id": seen.remote_id or row.remote_id, "changed_at": seen.changed_at}
    if seen.merged_into is not None:
        return Drift(row.key, "merged", row.person_id, survivor_key=seen.merged_into, **where)
    if seen.fingerprint == CLOSED:
        return "closed"
    if source is None or row_hash(source.values, sync.sent_fields) != row.acked_hash:
        return "pending"
    message = message_of(sync, row, source)
    if sync.mode == "insert" or seen.fingerprint == destination.fingerprint(message):
        return "agreed"
    wanted = destination.field_fingerprints(message)
    names = ", ".join(name for name in wanted if seen.fields.get(name) != wanted[name]) or None
    return Drift(row.key, "edited", row.person_id, names, **where)
