"""Activate: from the sync models of the warehouse to the other systems, through the ledger of a home.

A plan only says what would be sent; `apply` sends it, or exactly the plan whose digest is given.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from orchestration.home import SYNCS, Home

if TYPE_CHECKING:
    from orchestration.activation import SyncAudit, SyncCheck, SyncPlan, SyncRun

Say = Callable[[str], None]


def plan(home: Home, *, only: str | None = None, as_of: str | None = None) -> list[SyncPlan]:
    """What every sync would send now, and why each other row stays. Sends nothing.

    Raises:
        Trouble: there is no warehouse, or a sync file is wrong.
    """
    from orchestration import activation

    return activation.plan(home.warehouse, _ledger(home), SYNCS, only=only, as_of=as_of or "")


def apply(
    home: Home, *, digest: str | None = None, only: str | None = None, on_progress: Say | None = None
) -> list[SyncRun]:
    """Send the plan and record each answer; a second time sends nothing.

    Raises:
        Trouble: the plan is not the one with that digest, or another process is sending.
    """
    from orchestration import activation

    return activation.apply(
        home.warehouse,
        _ledger(home),
        SYNCS,
        digest=digest,
        only=only,
        out_dir=home.sent_files,
        secrets=os.environ,
        on_progress=on_progress,
    )


def verify(home: Home, *, only: str | None = None, on_progress: Say | None = None) -> list[SyncCheck]:
    """Compare the ledger with what the other systems hold, where they can be read."""
    from orchestration import activation

    return activation.verify(
        home.warehouse,
        _ledger(home),
        SYNCS,
        only=only,
        out_dir=home.sent_files,
        secrets=os.environ,
        on_progress=on_progress,
    )


def audit(home: Home, *, only: str | None = None, on_progress: Say | None = None) -> list[SyncAudit]:
    """Note what the other systems have otherwise than we believe. Changes nothing there."""
    from orchestration import activation

    return activation.audit(
        home.warehouse,
        _ledger(home),
        SYNCS,
        only=only,
        out_dir=home.sent_files,
        secrets=os.environ,
        on_progress=on_progress,
    )


def pull(home: Home) -> dict[str, int]:
    """Bring what the sales people did in their CRMs into the landing folder; rows by system and kind.

    Raises:
        Trouble: no CRM is set up, or one does not answer.
    """
    from orchestration.way_back import pull_all

    return pull_all(home.landing)


def digest_of(plans: Sequence[SyncPlan]) -> str:
    """The one digest that `apply --digest` takes for these plans."""
    from orchestration.activation import combined_digest

    return combined_digest(plans)


def syncs_not_set_up(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Names of the syncs that need variables and have none of them: nobody began to use them."""
    from orchestration.activation.configuration import read_syncs

    return [
        sync.name
        for sync in read_syncs(SYNCS)
        if sync.secrets and not any(environment.get(name) for name in sync.secrets.values())
    ]


def plan_figures(plans: Sequence[SyncPlan]) -> list[str]:
    """One short figure a sync that is set up, for the line of a stage; the others are counted."""
    off = set(syncs_not_set_up())
    figures = [
        f"{plan.sync}: {plan.sends:,} to send" + (" (held back)" if plan.is_blocked else "")
        for plan in plans
        if plan.sync not in off
    ]
    resting = sum(plan.sync in off for plan in plans)
    return figures + ([f"{resting} more are not set up (`ikusei doctor` names them)"] if resting else [])


def plan_lines(plans: Sequence[SyncPlan]) -> Iterable[str]:
    """A plan for a person: counts, guarantee, the first changes (key hash, fields), what holds it back."""
    for plan in plans:
        yield (
            f"{plan.sync} -> {plan.destination}: {plan.creates:,} create, {plan.updates:,} update, "
            f"{plan.removes:,} remove, {plan.unchanged:,} unchanged, {plan.withheld:,} withheld by consent, "
            f"{plan.rejected:,} rejected before, {plan.held:,} held back"
        )
        yield f"  guarantee: {plan.guarantee}"
        yield from (
            f"  {change['op']} {change['key']} {' '.join(change['fields'])}".rstrip()
            for change in plan.sample
        )
        yield from (f"  {line}" for line in (plan.stop, *plan.problems, *plan.notes) if line)
    if plans:
        yield f"digest {digest_of(plans)}: `ikusei sync apply --digest {digest_of(plans)}` sends exactly this"


def run_lines(runs: Sequence[SyncRun]) -> Iterable[str]:
    """What sending did, for a person."""
    for run in runs:
        yield (
            f"{run.sync} -> {run.destination}: {run.status}, {run.acked:,} acknowledged, "
            f"{run.rejected:,} rejected, {run.unknown:,} unknown, {run.waiting:,} waiting, "
            f"{run.withheld:,} withheld, {run.unchanged:,} unchanged, "
            f"{run.requests:,} requests in {run.seconds:.1f} s"
        )
        yield f"  guarantee: {run.guarantee}"
        yield from (f"  {line}" for line in run.sentences)


def check_lines(found: Sequence[SyncCheck]) -> Iterable[str]:
    """What a look at the other systems found, for a person."""
    for check in found:
        yield (
            f"{check.sync}: {check.verified:,} as sent, {check.missing:,} missing, "
            f"{check.different:,} different, {check.unexpected:,} unexpected"
        )
        yield from (f"  {line}" for line in check.sentences)


def audit_lines(audits: Sequence[SyncAudit]) -> Iterable[str]:
    """What an audit found, for a person: no names, the findings are in activation.drift."""
    for made in audits:
        yield f"{made.sync} -> {made.destination}: {made.status.replace('_', ' ')}"
        yield f"  {made.line}"


def has_no_drift(audits: Sequence[SyncAudit]) -> bool:
    """Whether whoever could be looked at has what we believe."""
    return not any(made.drift or made.status == "unreachable" for made in audits)


def status_lines(home: Home) -> Iterable[str]:
    """What the ledger knows of each sync, for a person."""
    from orchestration import activation

    statuses = activation.status(home.ledger) if home.ledger.exists() else []
    if not statuses:
        yield "nothing was planned or sent yet: `ikusei sync plan` shows what would be"
    for status in statuses:
        states = (
            ", ".join(f"{count:,} {state}" for state, count in sorted(status.states.items())) or "no rows"
        )
        last = (
            f"last run {status.last_run_status} at {status.last_finished_at}"
            if status.last_run_id
            else "never sent"
        )
        yield f"{status.sync}: {states}; {last}"
        extra = (
            status.last_run_sentence,
            status.sending_now and f"sending now: {status.sending_now}",
            *status.rejects,
        )
        yield from (f"  {line}" for line in extra if line)


def went_well(runs: Sequence[SyncRun]) -> bool:
    """Whether everything that was to be sent was acknowledged; a sync without its secrets is left out."""
    return all(run.status in ("done", "not_configured") and not run.rejected for run in runs)


def is_as_sent(found: Sequence[SyncCheck]) -> bool:
    """Whether the other systems hold what was sent."""
    return not any(check.missing or check.different or check.unexpected for check in found)


def _ledger(home: Home) -> object:
    home.activation.mkdir(parents=True, exist_ok=True)
    return home.ledger
