"""The warehouse's door: one connection that holds the writer's lock for a whole run, and dlt that loads
through it.

    Arrow tables -> dlt (extract, normalise, load as Parquet) -> append to raw_<source>.<table>

Exactly once without a merge: what is appended was anti-joined on `row_key` with the table while this
process holds the only write lock, and a package that a killed run left behind is dropped, never replayed;
its source files are read again and only what is missing in the table is loaded.
"""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import pyarrow as pa

from ingestion import tables

_MEMORY = "600MiB"  # of DuckDB; Arrow and Python take about as much again, whatever the size of the files


class IngestError(Exception):
    """Nothing could be done, or not everything; the message is a sentence that says what to mend."""


class WarehouseLocked(IngestError):
    """Another process has the warehouse open; the message names it."""


@contextmanager
def opened(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse with every raw table there. Raises WarehouseLocked, or IngestError if it cannot open."""
    try:
        warehouse.parent.mkdir(parents=True, exist_ok=True)
        con = duckdb.connect(str(warehouse))
    except (duckdb.Error, OSError) as error:
        raise explained(error, warehouse) from error
    memory = con.execute("select current_setting('memory_limit')").fetchone()[0]
    try:
        con.execute("set TimeZone = 'UTC'")
        con.execute("set enable_progress_bar = false")
        con.execute(f"set memory_limit = '{_MEMORY}'")
        there = con.execute(
            "select table_schema || '.' || table_name, list(column_name) from information_schema.columns"
            " where table_schema like 'raw\\_%' escape '\\' group by 1"
        ).fetchall()
        for statement in tables.ddl(dict(there)):
            con.execute(statement)
        yield con
    except IngestError:
        raise
    except Exception as error:
        if told := explained(error, warehouse, or_none=True):
            raise told from error
        raise
    finally:
        with suppress(duckdb.Error):  # a connection that a full disk has broken takes no settings
            con.execute(f"set memory_limit = '{memory}'")
        con.close()


def explained(error: BaseException, warehouse: Path, or_none: bool = False) -> IngestError | None:
    """The error as a sentence: locked, full disk, no database; None for a bug of ours if `or_none`."""
    chain: list[BaseException] = []
    while error and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    text = " ".join(str(link) for link in chain)
    if "Could not set lock" in text:
        holder = re.search(r"held in (.+?)\.? See|\(PID \d+\)", text)
        who = re.search(r"PID (\d+)", text)
        name = f"process {who[1]}" if who else (holder[1] if holder else "another process")
        return WarehouseLocked(
            f"{warehouse} is in use by {name}: wait until it has ended, or stop it, and run again;"
            f" nothing was changed"
        )
    if (
        "No space left" in text
        or "Could not write all" in text
        or any(getattr(link, "errno", None) in (errno.ENOSPC, errno.EDQUOT) for link in chain)
    ):
        return IngestError(
            f"the disk of {warehouse} is full: make room and run again; what was loaded is kept, the"
            f" rest is read again"
        )
    if "not a valid DuckDB database" in text or "version number" in text:
        return IngestError(
            f"{warehouse} is not a DuckDB warehouse of this version: move it away and run again"
        )
    if any(isinstance(link, OSError) for link in chain) or any(
        isinstance(link, duckdb.IOException) for link in chain
    ):
        return IngestError(
            f"{warehouse} cannot be written ({str(chain[0]).splitlines()[0]}): check the folder and its"
            f" rights"
        )
    return None if or_none else IngestError(f"{warehouse} cannot be opened: {str(chain[0]).splitlines()[0]}")


class Loader:
    """dlt's pipeline of one source, made when its first row comes: importing dlt takes half a second."""

    def __init__(self, con: duckdb.DuckDBPyConnection, source: str, state_dir: Path) -> None:
        self.con, self.source, self.state_dir, self.pipeline = con, source, state_dir, None

    def load(self, arrow: dict[str, pa.Table]) -> None:
        """Appends each table's rows to `raw_<source>.<table>`."""
        import dlt

        if self.pipeline is None:
            self.pipeline = self._pipeline()
        found = [
            dlt.resource([rows], name=table, write_disposition="append")
            for table, rows in arrow.items()
            if rows.num_rows
        ]
        if found:
            self.pipeline.run(found, loader_file_format="parquet")

    def _pipeline(self):
        """A fresh pipeline: a package left by a killed run is dropped with the pipeline's folder."""
        import dlt

        name = f"ingest_{self.source}"
        pipeline = dlt.pipeline(
            name,
            destination=dlt.destinations.duckdb(credentials=self.con),
            dataset_name=f"raw_{self.source}",
            pipelines_dir=str(self.state_dir),
        )
        return pipeline.drop()


def quiet_dlt(state_dir: Path) -> None:
    """Settings of dlt for this process: no telemetry, no log but errors, nothing outside `state_dir`."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ.setdefault("RUNTIME__LOG_LEVEL", "CRITICAL")
    os.environ["DLT_DATA_DIR"] = str(state_dir)
    os.environ.setdefault("LOAD__DELETE_COMPLETED_JOBS", "true")
