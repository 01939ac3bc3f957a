"""Large batches whose rows are all good, plain and new, as those of a dump mostly are: taken in one pass.

    parsed rows -> keyed, normalised -> one Parquet file -> nothing rejected, repeated or known? -> it waits

The long way (`landing`, `keys`) keeps the parsed rows, counts and compares them, and writes what is left; it
is right for every batch. This way writes first and looks afterwards at the keys alone. Where a look finds
anything, what was written is dropped and the batch goes the long way, so that both end in the same rows.
"""

import duckdb

from ingestion import keys
from ingestion.spellings import normalised_plain
from ingestion.tables import columns_of
from ingestion.warehouse import Loader

ROWS_AT_LEAST = 50_000
"""Rows of a batch from which on one pass saves more than it may cost in vain."""


def take(
    con: duckdb.DuckDBPyConnection, loader: Loader, name: str, rows: str, path: str, clock: str | None
) -> int | None:
    """Lets a batch wait to be loaded if all of its rows are good, plain and new; None if it is not taken.

    `rows` is SQL of the parsed rows, `clock` the column that the content settles. Gives how many rows.
    """
    if con.execute("select count(*) from unread").fetchone()[0] < ROWS_AT_LEAST:
        return None
    table = f"raw_{loader.source}.{name}"
    con.execute(f"create or replace temp view new_rows as {keys.first_of(rows)}")
    plain = normalised_plain(con, "new_rows", columns_of(table))
    if plain is None:
        return None
    selected, odd = plain
    try:
        count = loader.write(name, path, f"select {', '.join(columns_of(table))} from ({selected})")
    except duckdb.OutOfMemoryException as error:
        if "space" in str(error):  # a full disk is the run's trouble
            raise
        loader.forget_last()  # one pass holds more at a time than the long way
        return None
    part = loader.last_part
    is_odd = con.execute(f"select 1 from {part} where row_key is null or {odd} limit 1").fetchone()
    if is_odd or not keys.are_new(con, part, table, f"waiting_keys_{name}", clock):
        loader.forget_last()
        return None
    loader.keep(name, path, "arrived", count)
    return count
