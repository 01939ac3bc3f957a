"""Activation: rows of `activation.sync_<system>__<things>` -> other systems, without losing or doubling one.

plan (what would change) -> apply (intent, request, checked answer, outcome) -> verify (look back) ->
publish_ledger (runs, rows, attempts and rejects for the warehouse). Paths and secrets come in as arguments;
nothing is read from the environment. Errors that people can mend are `ActivationError`s, each one sentence.
"""

from orchestration.activation.approval import DigestRefused
from orchestration.activation.configuration import ActivationError, ConfigurationError
from orchestration.activation.engine import apply, plan, status
from orchestration.activation.lease import LeaseHeld
from orchestration.activation.ledger_rows import LedgerError, SyncStatus
from orchestration.activation.plan import SyncPlan, WarehouseError, combined_digest
from orchestration.activation.publication import publish_ledger, published_tables
from orchestration.activation.report import SyncRun
from orchestration.activation.verification import SyncCheck, verify

__all__ = [
    "ActivationError",
    "ConfigurationError",
    "DigestRefused",
    "LeaseHeld",
    "LedgerError",
    "SyncCheck",
    "SyncPlan",
    "SyncRun",
    "SyncStatus",
    "WarehouseError",
    "apply",
    "combined_digest",
    "plan",
    "publish_ledger",
    "published_tables",
    "status",
    "verify",
]
