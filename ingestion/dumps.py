"""Large batches whose rows are all good, plain and new, as those of a dump mostly are: taken in one pass.

    parsed rows -> keyed, normalised -> the raw table, in a transaction
        -> nothing rejected, repeated or known? -> committed

The long way (`landing`, `keys`) keeps the parsed rows, counts and compares them, and lets what is left wait
for dlt; it is right for every batch. This way inserts first and looks afterwards at the keys alone. Where a
look finds anything, the transaction is rolled back and the batch goes the long way, so that both end in the
same rows. Nothing is copied on the way: no file is written and read again.
"""

from dataclasses import dataclass

import duckdb

from ingestion import keys
from ingestion.spellings import normalised_plain
from ingestion.tables import columns_of
from ingestion.warehouse import Loader

ROWS_AT_LEAST = 10_000
"""Rows of a batch from which on one pass saves more than it may cost in vain."""


@dataclass(frozen=True)
class Plan:
    """How the parsed rows `of` a batch get into the table: SQL of its rows, and of one being odd."""

    of: str
    rows: str
    odd: str


def take(
    con: duckdb.DuckDBPyConnection, loader: Loader, name: str, rows: str, clock: str | None
) -> int | None:
    """Loads a batch whose rows are all good, plain and new; None if it is not such a batch.

    `rows` is SQL of the parsed rows, `clock` the column that the content settles. Gives how many rows.
    """
    [(lines,)] = con.execute("select count(*) from unread").fetchall()
    if lines < ROWS_AT_LEAST or (planned := plan(con, loader, name, rows)) is None:
        return None
    count = None
    con.execute("begin")
    try:
        count = inserted(con, loader, name, planned, clock)
    finally:
        end(con, count is not None)
    return count


def plan(
    con: duckdb.DuckDBPyConnection, loader: Loader, name: str, rows: str, before: Plan | None = None
) -> Plan | None:
    """How the parsed `rows` of `unread` become rows of the table; None if SQL alone cannot make them.

    `before` is the plan of the batch before on the connection, which mostly is the same.
    """
    if before and before.of == rows:
        return before
    columns = columns_of(f"raw_{loader.source}.{name}")
    con.execute(f"create or replace temp view new_rows as {keys.first_of(rows)}")
    plain = normalised_plain(con, "new_rows", columns)
    return plain and Plan(rows, f"select {', '.join(columns)} from ({plain[0]})", plain[1])


def inserted(
    con: duckdb.DuckDBPyConnection, loader: Loader, name: str, batch: Plan, clock: str | None
) -> int | None:
    """Inserts a batch in the open transaction; gives how many rows, None if one is odd, repeated or known."""
    table = f"raw_{loader.source}.{name}"
    first, last = con.execute("select min(line_number), max(line_number) from unread").fetchone()
    here = (
        f"(source_file = getvariable('path') and loaded_at = getvariable('loaded_at')"
        f" and line_number between {first} and {last})"
    )
    try:
        count = loader.insert(name, batch.rows, con)
        is_odd = con.execute(
            f"select 1 from {table} where {here} and (row_key is null or {batch.odd}) limit 1"
        ).fetchone()
        is_new = not is_odd and keys.are_new(con, table, here, f"waiting_keys_{name}", clock)
        return count if is_new else None
    except duckdb.OutOfMemoryException as error:
        if "space" in str(error):  # a full disk is the run's trouble
            raise
        return None


def end(con: duckdb.DuckDBPyConnection, is_good: bool) -> None:
    """Ends the open transaction."""
    con.execute("commit" if is_good else "rollback")
