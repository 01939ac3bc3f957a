"""Batches that are held: rows of one file and load that broke the contract of their raw table.

    raw_<source>.<table>  --hold-->  held.<source>__<table>  --release-->  raw_<source>.<table>

A held row is in no raw table, so no model sees it and a mended file can bring it anew; nothing of it is lost.
`raw_intake.held` tells what became of each batch, a line for each event, never changed: held, then released
(the contract was relaxed, or a person let it in), replaced (its file was read anew from the start) or
discarded (a person gave it up; its rows stay where they are). What is released counts as known from then on:
its `loaded_at` is that moment.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

from ingestion.tables import columns_of, sql_columns


@dataclass(frozen=True)
class Batch:
    """Rows of one file that one run has loaded into one raw table."""

    table: str
    path: str
    load_at: datetime

    @property
    def hold_id(self) -> str:
        """Its name for people: the same batch has the same."""
        parts = f"{self.table}|{self.path}|{self.load_at.isoformat()}"
        return hashlib.md5(parts.encode()).hexdigest()[:8]

    @property
    def source(self) -> str:
        """The source whose table it is."""
        return self.table.split(".")[0].removeprefix("raw_")


@dataclass(frozen=True)
class Hold:
    """A batch that is held now: how many rows, why (a sentence), and the contract that said so."""

    batch: Batch
    rows: int
    reason: str
    rules_digest: str


def place_of(table: str) -> str:
    """Where the held rows of a raw table wait: raw_crm.orders -> held.crm__orders."""
    return "held." + table.removeprefix("raw_").replace(".", "__")


def holds(con: duckdb.DuckDBPyConnection, table: str | None = None) -> list[Hold]:
    """Every batch that is held now, in a stable order."""
    if not _exists(con, "raw_intake.held"):
        return []
    rows = con.execute(
        """
        select raw_table, path, load_at, max_by(rows_held, recorded_at), max_by(reason, recorded_at),
            max_by(rules_digest, recorded_at)
        from raw_intake.held
        where $table is null or raw_table = $table
        group by hold_id, raw_table, path, load_at
        having bool_and(state = 'held')
        order by raw_table, path, load_at""",
        {"table": table},
    ).fetchall()
    return [Hold(Batch(*row[:3]), *row[3:]) for row in rows]


def hold(con: duckdb.DuckDBPyConnection, batch: Batch, reason: str, rules_digest: str, now: datetime) -> Hold:
    """Moves a batch out of its raw table; what other files had in common with it they must bring again."""
    con.execute("begin")
    place = _made(con, batch.table)
    rows = con.execute(
        f"insert into {place} by name select * from {batch.table} where source_file = ? and loaded_at = ?",
        [batch.path, batch.load_at],
    ).fetchone()[0]
    con.execute(
        f"delete from {batch.table} where source_file = ? and loaded_at = ?", [batch.path, batch.load_at]
    )
    held = Hold(batch, rows, reason, rules_digest)
    note(con, held, "held", now)
    _ask_again(con, batch)
    con.execute("commit")
    return held


def _ask_again(con: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    """Marks files of the batch's stream that were read since and repeated rows: perhaps rows held now."""
    con.execute(
        """
        update raw_intake.files set content_hash = null, modified_ns = 0
        where rows_duplicate > 0 and path <> $path and last_read_at >= $load_at and (source, stream) in (
                select (source, stream) from raw_intake.files where path = $path)
            and path not in (select path from raw_intake.held group by path, hold_id
                having bool_and(state = 'held'))""",
        {"path": batch.path, "load_at": batch.load_at},
    )


def release(con: duckdb.DuckDBPyConnection, held: Hold, now: datetime, by: str, why: str) -> int:
    """Lets a batch into its raw table, but rows that have come by another way; returns how many."""
    table, place = held.batch.table, place_of(held.batch.table)
    columns = ", ".join(name for name in columns_of(table) if name != "loaded_at")
    con.execute("begin")
    rows = con.execute(
        f"insert into {table} by name select {columns}, $now::timestamp as loaded_at from {place} as held"
        " where source_file = $path and loaded_at = $load_at and not exists ("
        f"select 1 from {table} as there where there.row_key = held.row_key)",
        {"now": now, "path": held.batch.path, "load_at": held.batch.load_at},
    ).fetchone()[0]
    con.execute(
        f"delete from {place} where source_file = ? and loaded_at = ?", [held.batch.path, held.batch.load_at]
    )
    note(con, held, "released", now, by, why)
    con.execute("commit")
    return rows


def discard(con: duckdb.DuckDBPyConnection, held: Hold, now: datetime, by: str, why: str) -> None:
    """Gives a batch up: nobody is told of it any more. Its rows stay in the `held` schema."""
    note(con, held, "discarded", now, by, why)


def replace(con: duckdb.DuckDBPyConnection, paths: Collection[str], now: datetime) -> None:
    """Drops the held rows of files that were read anew from their start (in the caller's transaction)."""
    for held in holds(con):
        if held.batch.path in paths and held.batch.load_at < now:
            con.execute(
                f"delete from {place_of(held.batch.table)} where source_file = ? and loaded_at = ?",
                [held.batch.path, held.batch.load_at],
            )
            note(con, held, "replaced", now, "ingestion", "the file was read anew")


def waiting_rows(con: duckdb.DuckDBPyConnection, tables: Sequence[str]) -> str:
    """SQL of `path` of every held row of these raw tables; '' if there is none of them."""
    there = [place_of(table) for table in tables if _exists(con, place_of(table))]
    return "".join(f" union all select source_file as path from {place}" for place in there)


def note(
    con: duckdb.DuckDBPyConnection, held: Hold, state: str, now: datetime, by: str = "contract", why: str = ""
) -> None:
    """Adds a line on a batch to `raw_intake.held`."""
    batch = held.batch
    line = {
        "hold_id": batch.hold_id,
        "source": batch.source,
        "raw_table": batch.table,
        "path": batch.path,
        "load_at": batch.load_at,
        "state": state,
        "rows_held": held.rows,
        "reason": held.reason,
        "rules_digest": held.rules_digest,
        "decided_by": by,
        "why": why or held.reason,
        "recorded_at": now,
    }
    values = [line[column] for column in columns_of("raw_intake.held")]
    con.execute(f"insert into raw_intake.held values ({', '.join('?' * len(values))})", values)


def _made(con: duckdb.DuckDBPyConnection, table: str) -> str:
    """The place of a table's held rows, made or brought up to the table's columns."""
    place = place_of(table)
    con.execute("create schema if not exists held")
    con.execute(f"create table if not exists {place} ({', '.join(sql_columns(table))})")
    for column in sql_columns(table):
        con.execute(f"alter table {place} add column if not exists {column}")
    return place


def _exists(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    schema, name = table.split(".")
    query = "select count(*) from information_schema.tables where table_schema = ? and table_name = ?"
    return con.execute(query, [schema, name]).fetchone()[0] > 0
