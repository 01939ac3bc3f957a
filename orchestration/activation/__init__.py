"""Activation: rows of `activation.sync_<system>__<things>` -> other systems, without losing or doubling one.

plan (what would change) -> apply (intent, request, checked answer, outcome) -> verify (look back, plan what
differs anew) -> audit (look and note only) -> publish_ledger (its tables for the warehouse). Paths and
secrets come in as arguments; nothing is read from the environment. Errors that people can mend are
`ActivationError`s, each one sentence.
"""

from orchestration.activation.approval import DigestRefused
from orchestration.activation.audit import SyncAudit, audit
from orchestration.activation.configuration import ActivationError, ConfigurationError
from orchestration.activation.engine import apply, plan, status
from orchestration.activation.lease import LeaseHeld
from orchestration.activation.ledger_rows import LedgerError, SyncStatus
from orchestration.activation.plan import SyncPlan, WarehouseError, combined_digest
from orchestration.activation.publication import (
    have_ledger_tables,
    publish_ledger,
    published_tables,
)
from orchestration.activation.report import SyncRun
from orchestration.activation.verification import SyncCheck, verify

__all__ = [
    "ActivationError",
    "ConfigurationError",
    "DigestRefused",
    "LeaseHeld",
    "LedgerError",
    "SyncAudit",
    "SyncCheck",
    "SyncPlan",
    "SyncRun",
    "SyncStatus",
    "WarehouseError",
    "apply",
    "audit",
    "combined_digest",
    "have_ledger_tables",
    "plan",
    "publish_ledger",
    "published_tables",
    "status",
    "verify",
]
