"""The ledger of sending: what we mean to send, what left, what came back -> SQLite, durable first.

SQLite (WAL, synchronous=FULL) and not the warehouse, because each intent is one durable commit and others
must be able to read while a sync runs; DuckDB is slow at the first and refuses the second. The ledger holds
hashes, keys and outcomes, never a payload: the warehouse can make it again, and a lost ledger tells nobody's
address.

States of a row: planned -> in_flight -> acked -> verified; in_flight -> unknown (may have arrived) |
retry_wait (did not, ask later) | rejected (until row or configuration changes); held (consent, or it left the
model). `remote_is_known` is 0 from an intent until a definite answer; while it is 0, `acked_hash` proves
nothing.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.activation.configuration import ActivationError
from orchestration.trouble import Locked

SCHEMA_VERSION = 1
LEASE_SECONDS = 60.0
REMOVED = "removed"  # the row_hash of a row that the other system should not have

_SCHEMA = """
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


class LedgerError(ActivationError):
    """The ledger cannot be read or written, so nothing may be sent."""


class LeaseHeld(ActivationError, Locked):
    """Another process is sending this sync."""


class LeaseLost(ActivationError):
    """Another process took the lease over while we slept; going on could send twice."""


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


_ROW_COLUMNS = tuple(LedgerRow.__dataclass_fields__)
_PUT_ROW = f"insert or replace into activation_row ({', '.join(_ROW_COLUMNS)}) values ({', '.join('?' * 21)})"


@dataclass(frozen=True)
class Lease:
    """The right to send one sync. A later taker has a larger token; an older token can no longer write."""

    sync: str
    token: int


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


class Ledger:
    """One open ledger. Every write is one transaction; with a lease, a writer that lost it is refused."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path, self._db = path, connection
        self._leases: set[Lease] = set()
        self._renewed_at = 0.0

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[Ledger]:
        """Opens the ledger, creating it when missing. Raises LedgerError when it is not usable."""
        ledger = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            is_new = not path.exists()
            connection = sqlite3.connect(path, timeout=10, isolation_level=None)
            connection.row_factory = sqlite3.Row
            if is_new:
                os.chmod(path, 0o600)
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = full")
            ledger = cls(path, connection)
            ledger._create()
            yield ledger
        except sqlite3.Error as error:
            raise LedgerError(
                f"The ledger {path} cannot be used ({error}); without it nothing may be sent. "
                "Free space or restore the file, then apply again."
            ) from error
        finally:
            if ledger is not None:
                ledger._db.close()

    def _create(self) -> None:
        with self._writing():
            found = self._db.execute("pragma user_version").fetchone()[0]
            if found > SCHEMA_VERSION:
                raise LedgerError(
                    f"The ledger {self.path} is of version {found}, newer than this program's "
                    f"{SCHEMA_VERSION}; use the newer program."
                )
            if found == 0:
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    self._db.execute(statement)
                self._db.execute(f"pragma user_version = {SCHEMA_VERSION}")

    @contextmanager
    def _writing(self, lease: Lease | None = None, now: float | None = None) -> Iterator[None]:
        """One durable transaction. With a lease: fenced by its token, and renews it."""
        self._db.execute("begin immediate")
        try:
            if lease is not None:
                self._fence(lease, now if now is not None else time.time())
            yield
            self._db.execute("commit")
        except BaseException:
            with suppress(sqlite3.Error):
                self._db.execute("rollback")
            raise

    def _fence(self, lease: Lease, now: float) -> None:
        """Raises LeaseLost unless the lease is still ours; renews all that we hold when they have aged."""
        held = self._db.execute(
            "select token, holder from activation_lease where sync = ?", (lease.sync,)
        ).fetchone()
        if held is None or held["token"] != lease.token or held["holder"] is None:
            raise LeaseLost(
                f"{lease.sync}: another process took over sending; this one stops. Nothing is lost."
            )
        if now - self._renewed_at >= LEASE_SECONDS / 10:
            self._db.executemany(
                "update activation_lease set expires_at = ? where sync = ? and token = ?",
                [(as_text(now + LEASE_SECONDS), mine.sync, mine.token) for mine in self._leases],
            )
            self._renewed_at = now

    # Leases

    def take_lease(self, sync: str, now: float) -> Lease:
        """Takes the right to send. Raises LeaseHeld while another living process has it."""
        with self._writing():
            held = self._db.execute("select * from activation_lease where sync = ?", (sync,)).fetchone()
            if held and _is_held(held["holder"], held["expires_at"], now):
                raise LeaseHeld(
                    f"{sync} is being sent by another process ({held['holder']}); wait for it to end, "
                    "then plan and apply again. Nothing was sent by this one."
                )
            token = (held["token"] if held else 0) + 1
            self._db.execute(
                "insert or replace into activation_lease values (?, ?, ?, ?)",
                (sync, token, _me(), as_text(now + LEASE_SECONDS)),
            )
        lease = Lease(sync, token)
        self._leases.add(lease)
        return lease

    def renew(self, lease: Lease, now: float) -> None:
        """Keeps the leases while nothing is written. Raises LeaseLost."""
        with self._writing(lease, now):
            pass

    def give_lease_back(self, lease: Lease) -> None:
        """Frees the lease if it is still ours."""
        self._leases.discard(lease)
        with self._writing():
            self._db.execute(
                "update activation_lease set holder = null where sync = ? and token = ?",
                (lease.sync, lease.token),
            )

    # Rows and attempts

    def rows(self, sync: str) -> dict[str, LedgerRow]:
        """key -> row of one sync."""
        found = self._db.execute("select * from activation_row where sync = ?", (sync,))
        return {row["key"]: LedgerRow(**dict(row)) for row in found}

    def put_rows(self, lease: Lease, rows: Iterable[LedgerRow], now: float) -> None:
        """Writes rows in one commit."""
        rows = list(rows)
        if rows:
            with self._writing(lease, now):
                self._put(lease, rows, now)

    def record(
        self, lease: Lease, settlements: Sequence[Settlement], intents: Sequence[Intent], now: float
    ) -> list[int]:
        """One commit: how the last attempts ended, and which come next. Returns the new attempt ids.

        Call it before the request leaves. Ending the last and beginning the next share one fsync; a crash
        between an answer and this commit leaves the row in_flight, which the next run treats as unknown.
        """
        if not settlements and not intents:
            return []
        with self._writing(lease, now):
            self._put(lease, [item.row for item in (*settlements, *intents)], now)
            at = as_text(now)
            self._db.executemany(
                "update activation_attempt set finished_at = ?, outcome = ?, http_status = ?, "
                "vendor_code = ? where attempt_id = ?",
                [(at, end.outcome, end.http_status, end.vendor_code, end.attempt_id) for end in settlements],
            )
            return [self._begin_attempt(intent, at) for intent in intents]

    def _begin_attempt(self, intent: Intent, at: str) -> int:
        row = intent.row
        begun = self._db.execute(
            "insert into activation_attempt (run_id, sync, key, version, op, request_hash, started_at) "
            "values (?, ?, ?, ?, ?, ?, ?)",
            (intent.run_id, row.sync, row.key, row.version, row.op, intent.request_hash, at),
        )
        return int(begun.lastrowid or 0)

    def _put(self, lease: Lease, rows: Iterable[LedgerRow], now: float) -> None:
        at = as_text(now)
        for row in rows:
            row.lease_token, row.updated_at = lease.token, at
        self._db.executemany(_PUT_ROW, [[getattr(row, name) for name in _ROW_COLUMNS] for row in rows])

    def doubt_open_attempts(self, lease: Lease, now: float) -> int:
        """After a crash: attempts without an end may have arrived. Returns how many."""
        with self._writing(lease, now):
            self._db.execute(
                "update activation_row set state = 'unknown', error_class = 'crashed', updated_at = ? "
                "where sync = ? and state = 'in_flight'",
                (as_text(now), lease.sync),
            )
            ended = self._db.execute(
                "update activation_attempt set outcome = 'crashed', finished_at = ? "
                "where sync = ? and outcome is null",
                (as_text(now), lease.sync),
            )
            return ended.rowcount

    # Runs and plans

    def begin_run(self, lease: Lease, run: Mapping[str, object], now: float) -> str:
        """Writes a run that has begun; returns its id."""
        run_id = f"{datetime.fromtimestamp(now, tz=UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
        said = {"run_id": run_id, "status": "running", "started_at": as_text(now), **run}
        with self._writing(lease, now):
            # A run of a process that is gone will never end by itself.
            self._db.execute(
                "update activation_run set status = 'crashed', finished_at = ? "
                "where sync = ? and status = 'running'",
                (as_text(now), lease.sync),
            )
            names, marks = ", ".join(said), ", ".join("?" * len(said))
            self._db.execute(f"insert into activation_run ({names}) values ({marks})", list(said.values()))
        return run_id

    def end_run(self, lease: Lease, run_id: str, counts: Mapping[str, object], now: float) -> None:
        """Writes how a run ended."""
        said = {**counts, "finished_at": as_text(now)}
        sets = ", ".join(f"{name} = ?" for name in said)
        with self._writing(lease, now):
            self._db.execute(f"update activation_run set {sets} where run_id = ?", [*said.values(), run_id])

    def last_model_rows(self, sync: str) -> int | None:
        """How many rows the model had when the sync was last sent; None before the first time."""
        found = self._db.execute(
            "select model_rows from activation_run where sync = ? and status in ('done', 'partial') "
            "order by started_at desc, rowid desc limit 1",
            (sync,),
        ).fetchone()
        return found["model_rows"] if found else None

    def remember_plan(
        self, sync: str, digest: str, as_of: str, steps: Mapping[str, object], now: float
    ) -> None:
        """Keeps the newest ten plans of a sync, so that apply can tell what changed since."""
        with self._writing():
            self._db.execute(
                "insert or replace into activation_plan values (?, ?, ?, ?, ?)",
                (sync, digest, as_of, as_text(now), json.dumps(steps)),
            )
            self._db.execute(
                "delete from activation_plan where sync = ? and digest not in "
                "(select digest from activation_plan where sync = ? order by made_at desc limit 10)",
                (sync, sync),
            )

    def remembered_plans(self, sync: str) -> dict[str, dict[str, list[str]]]:
        """digest -> {key: [op, row_hash]} of the plans kept."""
        found = self._db.execute("select digest, steps from activation_plan where sync = ?", (sync,))
        return {row["digest"]: json.loads(row["steps"]) for row in found}

    # Reading

    def statuses(self, now: float) -> list[SyncStatus]:
        """What the ledger knows, one entry a sync, sorted by name."""
        names = self._db.execute(
            "select sync from activation_run union select sync from activation_row order by 1"
        )
        return [self._status(row["sync"], now) for row in names.fetchall()]

    def _status(self, sync: str, now: float) -> SyncStatus:
        counted = self._db.execute(
            "select state, count(*) as n from activation_row where sync = ? group by state order by state",
            (sync,),
        )
        run = self._db.execute(
            "select * from activation_run where sync = ? order by started_at desc, rowid desc limit 1",
            (sync,),
        ).fetchone()
        lease = self._db.execute("select * from activation_lease where sync = ?", (sync,)).fetchone()
        is_sending = lease is not None and _is_held(lease["holder"], lease["expires_at"], now)
        rejected = self._db.execute(
            "select error_class, error_code, count(*) as n from activation_row "
            "where sync = ? and state = 'rejected' group by 1, 2 order by 3 desc, 1, 2 limit 10",
            (sync,),
        )
        return SyncStatus(
            sync=sync,
            states={row["state"]: row["n"] for row in counted},
            last_run_id=run["run_id"] if run else None,
            last_run_status=run["status"] if run else None,
            last_run_sentence=run["sentence"] if run else None,
            last_finished_at=run["finished_at"] if run else None,
            guarantee=run["guarantee"] if run else None,
            sending_now=lease["holder"] if is_sending else None,
            rejects=tuple(
                f"{row['n']} x {row['error_class']} {row['error_code'] or ''}".strip() for row in rejected
            ),
        )

    def query(self, statement: str) -> list[tuple]:
        """Rows of a read-only statement, for publication."""
        return [tuple(row) for row in self._db.execute(statement)]


_INT, _TEXT, _TIME, _FLAG = pa.int64(), pa.string(), pa.timestamp("us"), pa.bool_()

# Published table -> (columns, statement). The payload was never kept, so hashes are all there is to publish.
_PUBLISHED: dict[str, tuple[dict[str, pa.DataType], str]] = {
    "runs": (
        {
            **dict.fromkeys(
                ["run_id", "sync", "destination", "guarantee", "plan_digest", "config_digest"], _TEXT
            ),
            **dict.fromkeys(
                [
                    "model_rows",
                    "planned_c",
                    "planned_u",
                    "planned_d",
                    "acked",
                    "verified",
                    "rejected",
                    "unknown",
                ],
                _INT,
            ),
            **dict.fromkeys(["unchanged", "withheld", "waiting", "requests"], _INT),
            **dict.fromkeys(["status", "sentence"], _TEXT),
            **dict.fromkeys(["started_at", "finished_at"], _TIME),
        },
        "select {columns} from activation_run order by started_at, run_id",
    ),
    "rows": (
        {
            **dict.fromkeys(["sync", "key", "person_id", "op", "row_hash"], _TEXT),
            "version": _INT,
            **dict.fromkeys(["state", "remote_id", "acked_hash"], _TEXT),
            **{"acked_version": _INT, "remote_is_known": _FLAG, "attempts": _INT, "not_before": _TIME},
            **dict.fromkeys(["error_class", "error_code", "error_text"], _TEXT),
            **{"lease_token": _INT, "updated_at": _TIME},
        },
        "select {columns} from activation_row order by sync, key",
    ),
    "attempts": (
        {
            "attempt_id": _INT,
            **dict.fromkeys(["run_id", "sync", "key"], _TEXT),
            "version": _INT,
            **dict.fromkeys(["op", "request_hash"], _TEXT),
            **dict.fromkeys(["started_at", "finished_at"], _TIME),
            **{"outcome": _TEXT, "http_status": _INT, "vendor_code": _TEXT},
        },
        "select {columns} from activation_attempt order by attempt_id",
    ),
    "rejects": (
        {
            **dict.fromkeys(["sync", "key", "person_id"], _TEXT),
            **{"version": _INT, "row_hash": _TEXT},
            **dict.fromkeys(["error_class", "error_code", "error_text"], _TEXT),
            "attempts": _INT,
            **dict.fromkeys(["first_seen_at", "last_seen_at"], _TIME),
        },
        "select r.sync, r.key, r.person_id, r.version, r.row_hash, r.error_class, r.error_code, "
        "r.error_text, r.attempts, min(a.finished_at), max(a.finished_at) from activation_row r "
        "left join activation_attempt a on a.sync = r.sync and a.key = r.key and a.outcome = 'rejected' "
        "where r.state = 'rejected' group by r.sync, r.key order by r.sync, r.key",
    ),
}


def publish_ledger(ledger: Path, database: Path) -> None:
    """Writes activation.runs, rows, attempts and rejects into a DuckDB file, replacing what was there.

    A ledger that does not exist yet gives empty tables. Times are naive UTC timestamps; there is no payload.
    """
    with duckdb.connect(str(database)) as target:
        target.execute("create schema if not exists activation")
        for name, table in published_tables(ledger).items():
            target.register("published", table)
            target.execute(f"create or replace table activation.{name} as select * from published")
            target.unregister("published")


def published_tables(ledger: Path) -> dict[str, pa.Table]:
    """Name -> Arrow table of what is published from a ledger, all read at one moment."""
    if not ledger.exists():
        return {name: _arrow(columns, []) for name, (columns, _) in _PUBLISHED.items()}
    with Ledger.open(ledger) as opened:
        opened.query("begin")
        read = {
            name: _arrow(columns, opened.query(statement.format(columns=", ".join(columns))))
            for name, (columns, statement) in _PUBLISHED.items()
        }
        opened.query("commit")
    return read


def _arrow(columns: Mapping[str, pa.DataType], rows: Sequence[tuple]) -> pa.Table:
    def column(place: int, kind: pa.DataType) -> pa.Array:
        values = [row[place] for row in rows]
        if kind == _TIME:
            values = [datetime.strptime(value, "%Y-%m-%d %H:%M:%S.%f") if value else None for value in values]
        if kind == _FLAG:
            values = [None if value is None else bool(value) for value in values]
        return pa.array(values, type=kind)

    return pa.table({name: column(place, kind) for place, (name, kind) in enumerate(columns.items())})


def _me() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}"


def _is_held(holder: str | None, expires_at: str, now: float) -> bool:
    """A lease counts until it runs out, except that of a process of this machine which is gone."""
    if holder is None or as_epoch(expires_at) <= now:
        return False
    words = holder.split()
    if words[-1] != socket.gethostname():
        return True
    if int(words[1]) == os.getpid():
        return True
    try:
        os.kill(int(words[1]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
