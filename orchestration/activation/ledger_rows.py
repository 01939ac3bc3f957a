"""What the ledger holds: its tables, a row, an intent, how an attempt ended.

States of a row: planned -> in_flight -> acked -> verified; in_flight -> unknown (may have arrived) |
retry_wait (did not, ask later) | rejected (until row or configuration changes); held (consent, it left the
model, or the other side has no such record). `remote_is_known` is 0 from an intent until a definite answer;
while it is 0, `acked_hash` proves nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from orchestration.activation.configuration import ActivationError

SCHEMA_VERSION = 2
REMOVED = "removed"  # the row_hash of a row that the other system should not have

SCHEMA = """
create table activation_row (
    sync text not null, key text not null, person_id text, op text not null, row_hash text not null,
    version integer not null, version_at text not null, config_digest text not null, state text not null,
    remote_id text, acked_hash text, acked_version integer, acked_fields text,
    remote_is_known integer not null,
    attempts integer not null, not_before text, error_class text, error_code text, error_text text,
    lease_token integer, updated_at text not null, primary key (sync, key)
) without rowid;
create table activation_attempt (
    attempt_id integer primary key, run_id text not null, sync text not null, key text not null,
    version integer not null, op text not null, request_hash text not null, started_at text not null,
    finished_at text, outcome text, http_status integer, vendor_code text
);
create index attempt_of_row on activation_attempt (sync, key);
create index attempt_open on activation_attempt (sync) where outcome is null;
create table activation_run (
    run_id text primary key, sync text not null, destination text not null, guarantee text not null,
    plan_digest text not null, config_digest text not null, model_rows integer not null,
    planned_c integer not null, planned_u integer not null, planned_d integer not null,
    acked integer not null default 0, verified integer not null default 0, rejected integer not null default
    0, unknown integer not null default 0, unchanged integer not null default 0,
    withheld integer not null default 0, waiting integer not null default 0, requests integer not null default
    0, status text not null, sentence text, started_at text not null, finished_at text
);
create table activation_plan (
    sync text not null, digest text not null, as_of text not null, made_at text not null, steps text not null,
    primary key (sync, digest)
);
create table activation_lease (
    sync text primary key, token integer not null, holder text, expires_at text not null
);
"""

SINCE_VERSION_1 = """
create table activation_audit (
    audit_id text primary key, sync text not null, destination text not null, started_at text not null,
    finished_at text not null, status text not null, believed integer not null, found integer not null,
    agreed integer not null, pending integer not null, closed integer not null, ghosts integer not null,
    orphans integer not null, edited integer not null, merged integer not null, sentence text not null
);
create table activation_drift (
    sync text not null, key text not null, kind text not null, person_id text, field_names text,
    remote_id text, survivor_key text, changed_at text, first_seen_at text not null,
    last_seen_at text not null, resolved_at text, primary key (sync, key, kind, first_seen_at)
) without rowid;
"""
UPGRADES = (SCHEMA, SINCE_VERSION_1)  # the n-th leads from version n to n + 1


class LedgerError(ActivationError):
    """The ledger cannot be read or written, so nothing may be sent."""


@dataclass
class LedgerRow:
    """One row of `activation_row`; times are UTC text 'YYYY-MM-DD HH:MM:SS.ffffff'."""

    sync: str
    key: str
    person_id: str | None
    op: str
    row_hash: str
    version: int
    version_at: str
    config_digest: str
    state: str
    remote_id: str | None = None
    acked_hash: str | None = None
    acked_version: int | None = None
    acked_fields: str | None = None
    remote_is_known: int = 1
    attempts: int = 0
    not_before: str | None = None
    error_class: str | None = None
    error_code: str | None = None
    error_text: str | None = None
    lease_token: int | None = None
    updated_at: str = ""

    @property
    def is_live(self) -> bool:
        """Did the other system confirm that it has this row?"""
        return self.acked_hash is not None and self.acked_hash != REMOVED

    @property
    def field_hashes(self) -> Mapping[str, str]:
        """Field name -> hash of the value that was acknowledged last."""
        return json.loads(self.acked_fields) if self.acked_fields else {}


ROW_COLUMNS = tuple(LedgerRow.__dataclass_fields__)
PUT_ROW = f"insert or replace into activation_row ({', '.join(ROW_COLUMNS)}) values ({', '.join('?' * 21)})"


@dataclass(frozen=True)
class Intent:
    """An attempt that is about to happen: the row as it is in flight, and what will be asked of whom."""

    run_id: str
    row: LedgerRow
    request_hash: str


@dataclass(frozen=True)
class Settlement:
    """How an attempt ended: the row as it is afterwards."""

    attempt_id: int
    row: LedgerRow
    outcome: str
    http_status: int | None = None
    vendor_code: str | None = None


@dataclass(frozen=True)
class Drift:
    """Something that a destination has otherwise than we believe.

    kind `ghost`: we sent it and it is not there any more; `orphan`: it is there under a key that we did not
    send; `edited`: people changed `field_names`, which we own; `merged`: it went into `survivor_key`.
    """

    key: str
    kind: str
    person_id: str | None = None
    field_names: str | None = None
    remote_id: str | None = None
    survivor_key: str | None = None
    changed_at: str | None = None


DRIFT_COLUMNS = tuple(Drift.__dataclass_fields__)


@dataclass(frozen=True)
class SyncStatus:
    """What the ledger knows of one sync. `states` counts rows by state; times are UTC text."""

    sync: str
    states: Mapping[str, int]
    last_run_id: str | None
    last_run_status: str | None
    last_run_sentence: str | None
    last_finished_at: str | None
    guarantee: str | None
    sending_now: str | None = None
    rejects: tuple[str, ...] = field(default=())


def as_text(epoch: float) -> str:
    """Seconds since 1970 -> the ledger's sortable UTC text."""
    return datetime.fromtimestamp(epoch, tz=UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def as_epoch(text: str) -> float:
    """The ledger's UTC text -> seconds since 1970."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC).timestamp()
