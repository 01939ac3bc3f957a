"""Large batches whose rows are all good, plain and new, as those of a dump mostly are: taken in one pass.

    parsed rows -> keyed, normalised -> the raw table, in a transaction
        -> nothing rejected, repeated or known? -> committed

The long way (`landing`, `keys`) keeps the parsed rows, counts and compares them, and lets what is left wait
for dlt; it is right for every batch. This way inserts first and looks afterwards at the keys alone. Where a
look finds anything, the transaction is rolled back and the batch goes the long way, so that both end in the
same rows. Nothing is copied on the way: no file is written and read again.
"""

import duckdb

from ingestion import keys
from ingestion.spellings import normalised_plain
from ingestion.tables import columns_of
from ingestion.warehouse import Loader

ROWS_AT_LEAST = 10_000
"""Rows of a batch from which on one pass saves more than it may cost in vain."""


def take(
    con: duckdb.DuckDBPyConnection, loader: Loader, name: str, rows: str, path: str, clock: str | None
) -> int | None:
    """Loads a batch whose rows are all good, plain and new; None if it is not such a batch.

    `rows` is SQL of the parsed rows, `clock` the column that the content settles. Gives how many rows.
    """
    first, last, lines = con.execute(
        "select min(line_number), max(line_number), count(*) from unread"
    ).fetchone()
    if lines < ROWS_AT_LEAST:
        return None
    table = f"raw_{loader.source}.{name}"
    con.execute(f"create or replace temp view new_rows as {keys.first_of(rows)}")
    plain = normalised_plain(con, "new_rows", columns_of(table))
    if plain is None:
        return None
    selected, odd = plain
    here = (
        f"(source_file = getvariable('path') and loaded_at = getvariable('loaded_at')"
        f" and line_number between {first} and {last})"
    )
    count = None
    con.execute("begin")
    try:
        count = loader.insert(name, f"select {', '.join(columns_of(table))} from ({selected})")
        is_odd = con.execute(
            f"select 1 from {table} where {here} and (row_key is null or {odd}) limit 1"
        ).fetchone()
        if is_odd or not keys.are_new(con, table, here, f"waiting_keys_{name}", clock):
            count = None
    except duckdb.OutOfMemoryException as error:
        count = None
        if "space" in str(error):  # a full disk is the run's trouble
            raise
    finally:
        con.execute("rollback" if count is None else "commit")
    return count
