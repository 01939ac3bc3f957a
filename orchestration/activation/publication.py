"""The ledger for the warehouse: activation.runs, rows, attempts, rejects, audits and drift, of one moment.

The payload was never kept, so hashes are all there is to publish.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.activation.ledger import Ledger

_INT, _TEXT, _TIME, _FLAG = pa.int64(), pa.string(), pa.timestamp("us"), pa.bool_()

# Published table -> (columns, statement).
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
    "audits": (
        {
            **dict.fromkeys(["audit_id", "sync", "destination"], _TEXT),
            **dict.fromkeys(["started_at", "finished_at"], _TIME),
            "status": _TEXT,
            **dict.fromkeys(["believed", "found", "agreed", "pending", "closed"], _INT),
            **dict.fromkeys(["ghosts", "orphans", "edited", "merged"], _INT),
            "sentence": _TEXT,
        },
        "select {columns} from activation_audit order by started_at, audit_id",
    ),
    "drift": (
        {
            **dict.fromkeys(["sync", "key", "person_id", "kind", "field_names"], _TEXT),
            **dict.fromkeys(["remote_id", "survivor_key"], _TEXT),
            **dict.fromkeys(["changed_at", "first_seen_at", "last_seen_at", "resolved_at"], _TIME),
        },
        "select {columns} from activation_drift order by sync, key, kind, first_seen_at",
    ),
}


def publish_ledger(ledger: Path, database: Path) -> None:
    """Writes activation.runs, rows, attempts, ... into a DuckDB file, replacing what was there.

    A ledger that does not exist yet gives empty tables. Times are naive UTC timestamps; there is no payload.
    """
    with duckdb.connect(str(database)) as target:
        target.execute("create schema if not exists activation")
        for name, table in published_tables(ledger).items():
            target.register("published", table)
            target.execute(f"create or replace table activation.{name} as select * from published")
            target.unregister("published")


def have_ledger_tables(database: Path) -> None:
    """Gives a DuckDB file empty ledger tables where it has none, for readers before the first sending."""
    with duckdb.connect(str(database)) as target:
        target.execute("create schema if not exists activation")
        for name, (columns, _) in _PUBLISHED.items():
            target.register("published", _arrow(columns, []))
            target.execute(f"create table if not exists activation.{name} as select * from published")
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
