"""What a destination has against what the ledger believes, row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from orchestration.activation.configuration import Sync
from orchestration.activation.destinations import CLOSED, Destination, ReadFailed
from orchestration.activation.ledger_rows import LedgerRow, as_text
from orchestration.activation.plan import Model, row_hash
from orchestration.activation.preparation import DELETED_THERE, message_of


@dataclass
class Comparison:
    """Counts of rows, the keys there that we do not remember, and the ledger rows that the look changed."""

    verified: int = 0
    unread: str | None = None  # why nothing could be compared
    missing: int = 0
    different: int = 0
    strangers: list[str] = field(default_factory=list)
    changed: list[LedgerRow] = field(default_factory=list)


def compare_remote(
    sync: Sync,
    model: Model,
    held: Mapping[str, LedgerRow],
    destination: Destination,
    now: float,
    *,
    is_whole: bool = False,
) -> Comparison:
    """Reads the keys of `held` (all keys there when `is_whole`) and compares what should be the same."""
    sources, found = {row.key: row for row in model.rows}, Comparison()
    try:
        there = dict(destination.read(None if is_whole else list(held)))
    except ReadFailed as error:
        return Comparison(unread=str(error))
    for key, row in held.items():
        seen, source = there.pop(key, None), sources.get(key)
        if not row.is_live or not row.remote_is_known or row.error_class == DELETED_THERE:
            continue
        if source is None or row_hash(source.values, sync.sent_fields) != row.acked_hash:
            continue  # the next apply sends or removes it anyway
        is_theirs = seen == CLOSED or (sync.mode == "insert" and seen is not None)
        if is_theirs or seen == destination.fingerprint(message_of(sync, row, source)):
            found.verified += 1
            found.changed.append(replace(row, state="verified"))
            continue
        found.missing, found.different = found.missing + (seen is None), found.different + (seen is not None)
        found.changed.append(_doubted(row, now))
    found.strangers = sorted(there) if is_whole else []
    return found


def _doubted(row: LedgerRow, now: float) -> LedgerRow:
    """Another version, so that a receiver which remembers the old message takes the new one."""
    return replace(row, state="planned", version=row.version + 1, version_at=as_text(now), remote_is_known=0)


def sentence(found: Comparison, *, mends: bool) -> str:
    """What was found, in words; `mends` when another apply would change it."""
    if found.unread:
        return f"nothing was compared, the other side cannot be read now ({found.unread}); look again later."
    said = (
        f"{found.verified} rows verified, {found.missing} missing, {found.different} different, "
        f"{len(found.strangers)} unexpected"
    )
    return said + ("; apply again to mend." if mends else ".")


def shortfall(found: Comparison) -> str | None:
    """What a look right after sending did not find as acknowledged, in words; None when all is there."""
    if found.unread:
        return f"what was acknowledged could not be looked at ({found.unread}); verify looks again."
    if not (found.missing or found.different):
        return None
    return (
        f"{found.missing} rows are missing there and {found.different} differ "
        "right after they were acknowledged; apply again."
    )


def has_trouble(found: Comparison) -> bool:
    """Is anything not as it was sent?"""
    return bool(found.missing or found.different or found.strangers)
