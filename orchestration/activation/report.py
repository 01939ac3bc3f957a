"""How sending one sync went, for people and for the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestration.activation.configuration import Sync
from orchestration.activation.plan import SyncPlan

_COUNTED = (
    "acked",
    "verified",
    "rejected",
    "unknown",
    "unchanged",
    "withheld",
    "waiting",
    "requests",
    "status",
)


@dataclass
class SyncRun:
    """How sending one sync went. Counts are rows except `requests`;

    status: done; partial (rows wait or are in doubt, apply again); held (a guard); stopped (the destination
    or the model stopped it); not_configured. `sentences` say why, for people.
    """

    sync: str
    destination: str
    destination_class: str
    guarantee: str
    status: str = "done"
    run_id: str | None = None
    digest: str = ""
    acked: int = 0
    rejected: int = 0
    unknown: int = 0
    waiting: int = 0
    withheld: int = 0
    unchanged: int = 0
    verified: int = 0
    requests: int = 0
    seconds: float = 0.0
    sentences: list[str] = field(default_factory=list)

    def end(self, status: str, *sentences: str) -> None:
        """Sets how it ended and why."""
        self.status = status
        self.sentences += [said for said in sentences if said]

    def counts(self) -> dict[str, object]:
        """The columns of `activation_run` that an ended run fills."""
        return {name: getattr(self, name) for name in _COUNTED} | {"sentence": " ".join(self.sentences)}

    def line(self) -> str:
        """One line for a person who waits."""
        return (
            f"{self.sync}: {self.status}; {self.acked} acknowledged, {self.unchanged} unchanged, "
            f"{self.rejected} rejected, {self.unknown} in doubt, {self.waiting} waiting, "
            f"{self.withheld} withheld, {self.requests} requests"
        )


def planned_counts(sync: Sync, made: SyncPlan, model_rows: int) -> dict[str, object]:
    """The columns of `activation_run` that a run fills when it begins."""
    return {
        "sync": sync.name,
        "destination": sync.destination,
        "guarantee": made.guarantee,
        "plan_digest": made.digest,
        "config_digest": sync.config_digest,
        "model_rows": model_rows,
        "planned_c": made.creates,
        "planned_u": made.updates,
        "planned_d": made.removes,
    }
