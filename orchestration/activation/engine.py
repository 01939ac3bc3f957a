"""The three verbs of sending: plan, apply, status; each opens the ledger, does its work and closes it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from orchestration.activation.approval import approved_syncs, current_plan
from orchestration.activation.clock import Clock, SystemClock
from orchestration.activation.configuration import read_syncs
from orchestration.activation.former_keys import with_known_keys
from orchestration.activation.ledger import Ledger
from orchestration.activation.ledger_rows import SyncStatus
from orchestration.activation.plan import SyncPlan, read_models
from orchestration.activation.report import SyncRun
from orchestration.activation.sending import Sending, Surroundings


def plan(
    warehouse: Path, ledger: Path, syncs: Path, *, only: str | None = None, as_of: str = ""
) -> list[SyncPlan]:
    """What an apply would send now, one plan a sync; remembered in the ledger under its digest.

    Raises ConfigurationError (a sync file), WarehouseError (missing, or held by a writer) or LedgerError.
    """
    definitions = read_syncs(syncs, only=only)
    models = read_models(warehouse, definitions)
    plans = []
    with Ledger.open(ledger) as opened:
        for sync in definitions:
            model = with_known_keys(models[sync.name], opened.rows(sync.name))
            made = current_plan(opened, sync, model, as_of)
            steps = {step.key: [step.op, step.row_hash] for step in made.steps}
            opened.remember_plan(sync.name, made.digest, as_of, steps, time.time())
            plans.append(made)
    return plans


def apply(
    warehouse: Path,
    ledger: Path,
    syncs: Path,
    *,
    digest: str | None = None,
    only: str | None = None,
    out_dir: Path,
    secrets: Mapping[str, str],
    on_progress: Callable[[str], None] | None = None,
    clock: Clock | None = None,
    seed: int | None = None,
) -> list[SyncRun]:
    """Sends what changed, one sync after another; each fails alone.

    Args:
        digest: of a plan (one sync's, or `combined_digest` of all); what differs from it is refused, except
        that
            what was sent since, or whose person said no since, is left out.
        out_dir: folder of the files destination. secrets: variable name -> value, such as os.environ.
        clock, seed: time and jitter, for tests.

    Raises DigestRefused, LeaseHeld (somebody else is sending), ConfigurationError, WarehouseError,
    LedgerError.
    """
    say, clock = on_progress or (lambda _: None), clock or SystemClock()
    definitions = read_syncs(syncs, only=only)
    models = read_models(warehouse, definitions)
    with ExitStack() as stack:
        opened = stack.enter_context(Ledger.open(ledger))
        leases = {}
        for sync in definitions:
            leases[sync.name] = opened.take_lease(sync.name, clock.now())
            stack.callback(opened.give_lease_back, leases[sync.name])
            models[sync.name] = with_known_keys(models[sync.name], opened.rows(sync.name))
        if digest is not None:
            definitions = approved_syncs(opened, definitions, models, digest)
        around = Surroundings(warehouse, out_dir, secrets, say, clock, random.Random(seed))
        runs = []
        for sync in definitions:
            runs.append(Sending(sync, models[sync.name], opened, leases[sync.name], around).run())
        return runs


def status(ledger: Path) -> list[SyncStatus]:
    """What the ledger knows, one entry a sync; nothing when there is no ledger yet."""
    if not ledger.exists():
        return []
    with Ledger.open(ledger) as opened:
        return opened.statuses(time.time())
