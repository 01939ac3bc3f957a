"""The ledger of sending: what we mean to send, what left, what came back -> SQLite, durable first.

SQLite (WAL, synchronous=FULL) and not the warehouse, because each intent is one durable commit and others
must be able to read while a sync runs; DuckDB is slow at the first and refuses the second. The ledger holds
hashes, keys and outcomes, never a payload: the warehouse can make it again, and a lost ledger tells nobody's
address.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path

from orchestration.activation.lease import LEASE_SECONDS, Lease, LeaseHeld, LeaseLost, is_held, me
from orchestration.activation.ledger_rows import (
    DRIFT_COLUMNS,
    PUT_ROW,
    ROW_COLUMNS,
    SCHEMA_VERSION,
    UPGRADES,
    Drift,
    Intent,
    LedgerError,
    LedgerRow,
    Settlement,
    SyncStatus,
    as_text,
)

_CELLS = attrgetter(*ROW_COLUMNS)


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
            for upgrade in UPGRADES[found:]:
                for statement in filter(str.strip, upgrade.split(";")):
                    self._db.execute(statement)
            if found < SCHEMA_VERSION:
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
            if held and is_held(held["holder"], held["expires_at"], now):
                raise LeaseHeld(
                    f"{sync} is being sent by another process ({held['holder']}); wait for it to end, "
                    "then plan and apply again. Nothing was sent by this one."
                )
            token = (held["token"] if held else 0) + 1
            self._db.execute(
                "insert or replace into activation_lease values (?, ?, ?, ?)",
                (sync, token, me(), as_text(now + LEASE_SECONDS)),
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
        names = ", ".join(ROW_COLUMNS)
        found = self._db.execute(f"select {names} from activation_row where sync = ?", (sync,))
        return {row["key"]: LedgerRow(*row) for row in found}

    def states(self, sync: str) -> dict[tuple[str, str | None], int]:
        """(state, error class) -> rows of one sync."""
        found = self._db.execute(
            "select state, error_class, count(*) as n from activation_row where sync = ? group by 1, 2",
            (sync,),
        )
        return {(row["state"], row["error_class"]): row["n"] for row in found}

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
            return self._begin_attempts(intents, at)

    def _begin_attempts(self, intents: Sequence[Intent], at: str) -> list[int]:
        """The ids are counted here, since a batch returns none; the commit under way has the file alone."""
        last = self._db.execute("select coalesce(max(attempt_id), 0) from activation_attempt").fetchone()[0]
        ids = list(range(last + 1, last + 1 + len(intents)))
        self._db.executemany(
            "insert into activation_attempt "
            "(attempt_id, run_id, sync, key, version, op, request_hash, started_at) "
            "values (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    number,
                    one.run_id,
                    one.row.sync,
                    one.row.key,
                    one.row.version,
                    one.row.op,
                    one.request_hash,
                    at,
                )
                for number, one in zip(ids, intents, strict=True)
            ],
        )
        return ids

    def _put(self, lease: Lease, rows: Iterable[LedgerRow], now: float) -> None:
        at = as_text(now)
        for row in rows:
            row.lease_token, row.updated_at = lease.token, at
        self._db.executemany(PUT_ROW, map(_CELLS, rows))

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

    def doubtful_versions(self, sync: str) -> dict[str, int]:
        """key -> the newest version since the last acknowledged one that may still arrive there."""
        found = self._db.execute(
            "select a.key, max(a.version) as version from activation_attempt a "
            "join activation_row r on r.sync = a.sync and r.key = a.key "
            "where a.sync = ? and (a.outcome in ('unknown', 'crashed') or a.http_status >= 500) "
            "and a.version > coalesce(r.acked_version, 0) group by a.key",
            (sync,),
        )
        return {row["key"]: row["version"] for row in found}

    def calls_since(self, sync: str, since: float) -> int:
        """How many calls were begun since a moment; all attempts of one call begin at the same time."""
        found = self._db.execute(
            "select count(*) as n from (select distinct run_id, started_at from activation_attempt "
            "where sync = ? and started_at >= ?)",
            (sync, as_text(since)),
        )
        return int(found.fetchone()["n"])

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

    # Audits

    def record_audit(
        self, lease: Lease | None, audit: Mapping[str, object], found: Sequence[Drift] | None, now: float
    ) -> None:
        """Writes an audit and what it found in one commit; what it does not find any more is resolved.

        `found` is None for an audit that could not look, which neither finds nor resolves.
        """
        names, marks = ", ".join(audit), ", ".join("?" * len(audit))
        with self._writing(lease, now if lease else None):
            self._db.execute(f"insert into activation_audit ({names}) values ({marks})", list(audit.values()))
            if found is not None:
                self._note_drift(str(audit["sync"]), found, as_text(now))

    def _note_drift(self, sync: str, found: Sequence[Drift], at: str) -> None:
        is_open = {
            (row["key"], row["kind"]): row["first_seen_at"]
            for row in self._db.execute(
                "select * from activation_drift where sync = ? and resolved_at is null", (sync,)
            )
        }
        self._db.execute(
            "update activation_drift set resolved_at = ? where sync = ? and resolved_at is null", (at, sync)
        )
        columns = ("sync", "first_seen_at", "last_seen_at", *DRIFT_COLUMNS)
        self._db.executemany(
            f"insert or replace into activation_drift ({', '.join(columns)}) "
            f"values ({', '.join('?' * len(columns))})",
            [
                [sync, is_open.get((one.key, one.kind), at), at, *(getattr(one, n) for n in DRIFT_COLUMNS)]
                for one in found
            ],
        )

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
        is_sending = lease is not None and is_held(lease["holder"], lease["expires_at"], now)
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
