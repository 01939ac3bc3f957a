"""Syncs that are looked at, one after another, with what the warehouse and the ledger say of each.

sync files + warehouse + ledger -> (ledger, sync, model) of each -> what the look found, told as it goes
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from orchestration.activation.configuration import Sync, read_syncs
from orchestration.activation.ledger import Ledger
from orchestration.activation.plan import Model, read_models


class Told(Protocol):
    """What a look at one sync found."""

    sync: str

    @property
    def line(self) -> str:
        """The finding in words."""
        ...


Found = TypeVar("Found", bound=Told)


def of_each_sync(
    warehouse: Path,
    ledger: Path,
    syncs: Path,
    look: Callable[[Ledger, Sync, Model], Found],
    *,
    only: str | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> list[Found]:
    """What `look` found at each sync. Raises ConfigurationError, WarehouseError, LedgerError."""
    definitions = read_syncs(syncs, only=only)
    models = read_models(warehouse, definitions)
    found = []
    with Ledger.open(ledger) as opened:
        for sync in definitions:
            found.append(look(opened, sync, models[sync.name]))
            if on_progress:
                on_progress(f"{sync.name}: {found[-1].line}")
    return found
