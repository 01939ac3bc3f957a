"""Looking back: what a destination has -> what the ledger believes; a difference is planned anew.

Runs under the same lease as sending, so that it never judges a row in flight.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from orchestration.activation.configuration import Sync, read_syncs
from orchestration.activation.destinations import Destination, Message, NotConfigured, destination_kinds
from orchestration.activation.ledger import REMOVED, Ledger, LedgerRow, as_text
from orchestration.activation.plan import Model, ModelRow, read_models, row_hash


@dataclass
class SyncCheck:
    """What a look at the destination found. `missing`, `different` and `unexpected` rows are planned anew."""

    sync: str
    guarantee: str
    verified: int = 0
    missing: int = 0
    different: int = 0
    unexpected: int = 0
    sentences: list[str] = field(default_factory=list)


def verify(
    warehouse: Path,
    ledger: Path,
    syncs: Path,
    *,
    only: str | None = None,
    out_dir: Path,
    secrets: Mapping[str, str],
    on_progress: Callable[[str], None] | None = None,
) -> list[SyncCheck]:
    """Reads every destination that can be read and compares; a difference is planned anew, not repaired here.

    Raises LeaseHeld, ConfigurationError, WarehouseError, LedgerError.
    """
    say = on_progress or (lambda _: None)
    definitions = read_syncs(syncs, only=only)
    models = read_models(warehouse, definitions)
    checks = []
    with Ledger.open(ledger) as opened:
        for sync in definitions:
            checks.append(_verify_one(opened, sync, models[sync.name], out_dir, secrets))
            say(f"{sync.name}: {' '.join(checks[-1].sentences)}")
    return checks


def _verify_one(
    opened: Ledger, sync: Sync, model: Model, out_dir: Path, secrets: Mapping[str, str]
) -> SyncCheck:
    kind = destination_kinds()[sync.destination]
    check = SyncCheck(sync.name, str(kind.guarantee))
    if not kind.reads_by_key:
        live = sum(row.is_live for row in opened.rows(sync.name).values())
        check.sentences.append(
            f"{live} rows were acknowledged one by one; {sync.destination} cannot be read back."
        )
        return check
    try:
        destination = kind.open(sync, out_dir, secrets)
    except NotConfigured as error:
        check.sentences.append(str(error))
        return check
    lease = opened.take_lease(sync.name, time.time())
    try:
        opened.doubt_open_attempts(lease, time.time())
        changed = _compare_remote(check, sync, model, opened.rows(sync.name), destination)
        opened.put_rows(lease, changed, time.time())
    finally:
        opened.give_lease_back(lease)
        destination.close()
    return check


def _compare_remote(
    check: SyncCheck, sync: Sync, model: Model, held: Mapping[str, LedgerRow], destination: Destination
) -> list[LedgerRow]:
    """Ledger rows that the look changed: verified ones, and those that are not what we believed."""
    there, sources, changed = dict(destination.read()), {row.key: row for row in model.rows}, []
    for key, row in held.items():
        found, source = there.pop(key, None), sources.get(key)
        if not row.is_live or not row.remote_is_known:
            continue
        if source is None or row_hash(source.values, sync.sent_fields) != row.acked_hash:
            continue  # the next apply sends or removes it anyway
        message = _verifying_message(sync, row, source)
        if found == destination.fingerprint(message):
            check.verified += 1
            changed.append(replace(row, state="verified"))
            continue
        check.missing, check.different = (
            check.missing + (found is None),
            check.different + (found is not None),
        )
        changed.append(_doubted(row))
    check.unexpected = len(there)
    changed += [_stranger(sync, key) for key in there]
    check.sentences.append(
        f"{check.verified} rows verified, {check.missing} missing, {check.different} different, "
        f"{check.unexpected} unexpected"
        + ("; apply again to mend." if changed and _has_trouble(check) else ".")
    )
    return changed


def _has_trouble(check: SyncCheck) -> bool:
    return bool(check.missing or check.different or check.unexpected)


def _verifying_message(sync: Sync, row: LedgerRow, source: ModelRow) -> Message:
    fields = {field.name: source.values[field.name] for field in sync.sent_fields}
    return Message(sync.name, row.key, row.version, "upsert", row.row_hash, row.version_at, fields, {})


def _doubted(row: LedgerRow) -> LedgerRow:
    """Another version, so that a receiver which remembers the old message takes the new one."""
    now = as_text(time.time())
    return replace(row, state="planned", version=row.version + 1, version_at=now, remote_is_known=0)


def _stranger(sync: Sync, key: str) -> LedgerRow:
    """A row in our own folder that we never sent: a mirror takes it out."""
    now = as_text(time.time())
    return LedgerRow(
        sync.name, key, None, "remove", REMOVED, 1, now, sync.config_digest, "planned", remote_is_known=0
    )
