"""From a digest that somebody looked at to the syncs it approves: apply sends what was planned, or nothing.

A plan stays good while it only shrinks: rows that were sent since, or whose person said no since, may be
missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from orchestration.activation.configuration import ActivationError, Sync
from orchestration.activation.ledger import Ledger
from orchestration.activation.ledger_rows import REMOVED, LedgerRow
from orchestration.activation.plan import Model, SyncPlan, combined_digest, make_plan, refusal


class DigestRefused(ActivationError):
    """What would be sent is not what was planned."""


def current_plan(opened: Ledger, sync: Sync, model: Model, as_of: str = "") -> SyncPlan:
    """The plan of one sync as warehouse and ledger are now."""
    return make_plan(
        sync, model, opened.rows(sync.name), last_rows=opened.last_model_rows(sync.name), as_of=as_of
    )


def approved_syncs(
    opened: Ledger, definitions: list[Sync], models: Mapping[str, Model], digest: str
) -> list[Sync]:
    """The syncs whose plan has this digest; steps that were sent or refused by a person since may be missing.

    Raises DigestRefused saying what changed.
    """
    now = {sync.name: current_plan(opened, sync, models[sync.name]) for sync in definitions}
    changes: dict[str, dict[str, list[str]]] = {}
    for sync in definitions:
        held, current = opened.rows(sync.name), now[sync.name]
        changes[sync.name] = {
            known: _differences(sync, current, steps, models[sync.name], held)
            for known, steps in opened.remembered_plans(sync.name).items()
        }
        changes[sync.name][current.digest] = []
        if digest in changes[sync.name]:
            _refuse(digest, changes[sync.name][digest])
            return [sync]
    choices: list[list[SyncPlan]] = [[]]
    for sync in definitions:
        known_plans = [replace(now[sync.name], digest=known) for known in changes[sync.name]]
        choices = [[*chosen, known] for chosen in choices for known in known_plans]
    for chosen in choices:
        if combined_digest(chosen) == digest:
            _refuse(digest, [said for made in chosen for said in changes[made.sync][made.digest]])
            return definitions
    raise _refusal(digest, "rows or rules changed since, or it was never planned")


def _refuse(digest: str, differences: Sequence[str]) -> None:
    if differences:
        raise _refusal(digest, ", ".join(differences))


def _refusal(digest: str, why: str) -> DigestRefused:
    return DigestRefused(
        f"The plan {digest} is not what would be sent now ({why}); "
        "plan anew, look at it, and apply the new digest. Nothing was sent."
    )


def _differences(
    sync: Sync,
    current: SyncPlan,
    steps: Mapping[str, list[str]],
    model: Model,
    held: Mapping[str, LedgerRow],
) -> list[str]:
    """What changed since a plan was made, in words; what was sent or consent took away does not count."""
    if current.is_blocked:
        return ["a guard or the model now holds it"]
    refused = {row.key for row in model.rows if refusal(row, sync, model.denied)}
    now = {step.key: step.row_hash for step in current.steps}
    planned = {key: wanted for key, (_, wanted) in steps.items()}
    is_consent = {key for key, wanted in now.items() if key in refused and wanted == REMOVED}
    sent = {key for key, wanted in planned.items() if key in held and held[key].acked_hash == wanted}
    added = sum(key not in planned for key in now.keys() - is_consent)
    changed = sum(planned.get(key, now[key]) != now[key] for key in now.keys() - is_consent)
    gone = len(planned.keys() - now.keys() - refused - sent)
    counted = {"came in since": added, "changed since": changed, "went away since": gone}
    return [f"{count} rows {what}" for what, count in counted.items() if count]
