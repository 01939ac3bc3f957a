"""Looking back: what a destination has -> what the ledger believes; a difference is planned anew.

Runs under the same lease as sending, so that it never judges a row in flight.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestration.activation.comparison import compare_remote, has_trouble, sentence
from orchestration.activation.configuration import Sync
from orchestration.activation.destinations import NotConfigured, destination_kinds
from orchestration.activation.each_sync import of_each_sync
from orchestration.activation.former_keys import with_known_keys
from orchestration.activation.ledger import Ledger
from orchestration.activation.plan import Model
from orchestration.activation.preparation import stranger


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

    @property
    def line(self) -> str:
        """The finding in words."""
        return " ".join(self.sentences)


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

    def look(opened: Ledger, sync: Sync, model: Model) -> SyncCheck:
        return _verify_one(opened, sync, model, out_dir, secrets)

    return of_each_sync(warehouse, ledger, syncs, look, only=only, on_progress=on_progress)


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
        held = opened.rows(sync.name)
        model = with_known_keys(model, held)
        found = compare_remote(sync, model, held, destination, time.time(), is_whole=True)
        is_ours = sync.mode in ("mirror", "archive")  # the other modes never take anything out
        strangers = [stranger(sync, key, time.time()) for key in found.strangers if is_ours]
        opened.put_rows(lease, [*found.changed, *strangers], time.time())
        check.verified, check.missing = found.verified, found.missing
        check.different, check.unexpected = found.different, len(found.strangers)
        is_mended = has_trouble(found) and (is_ours or bool(found.missing or found.different))
        check.sentences.append(sentence(found, mends=is_mended))
    finally:
        opened.give_lease_back(lease)
        destination.close()
    return check
