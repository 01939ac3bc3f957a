"""The warehouse's door: one connection that holds the writer's lock for a whole run, and dlt that loads
through it.

    rows -> Parquet files -> dlt (extract, normalise, load: files taken whole) -> append to
    raw_<source>.<table>

Exactly once without a merge: what is appended was anti-joined on `row_key` with the table while this
process holds the only write lock, and a package that a killed run left behind is dropped, never replayed;
its source files are read again and only what is missing in the table is loaded.
"""

import errno
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from ingestion import tables

_MEMORY = "340MiB"  # of DuckDB; Arrow and Python take about as much again, whatever the size of the files


_MANY_ROWS = 50_000


class IngestError(Exception):
    """Nothing could be done, or not everything; the message is a sentence that says what to mend."""


class WarehouseLocked(IngestError):
    """Another process has the warehouse open; the message names it."""


@contextmanager
def opened(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse with every raw table there. Raises WarehouseLocked, or IngestError if it cannot open."""
    try:
        warehouse.parent.mkdir(parents=True, exist_ok=True)
        _make(warehouse)
        con = duckdb.connect(str(warehouse))
    except (duckdb.Error, OSError) as error:
        raise explained(error, warehouse) from error
    memory = con.execute("select current_setting('memory_limit')").fetchone()[0]
    try:
        con.execute("set TimeZone = 'UTC'")
        con.execute("set enable_progress_bar = false")
        con.execute(f"set memory_limit = '{_MEMORY}'")
        con.execute("set allocator_flush_threshold = '16MiB'")  # what is free goes back to the system soon
        there = con.execute(
            "select table_schema || '.' || table_name, list(column_name) from information_schema.columns"
            " where table_schema like 'raw\\_%' escape '\\' group by 1"
        ).fetchall()
        [(format_,)] = con.execute(
            "select tags['storage_version'] from duckdb_databases() where database_name = current_database()"
        ).fetchall()
        for statement in tables.ddl(dict(there), can_pack=not format_.startswith(("v1.0", "v1.1"))):
            con.execute(statement)
        yield con
    except IngestError:
        raise
    except Exception as error:
        if told := explained(error, warehouse, or_none=True):
            raise told from error
        raise
    finally:
        # Closing writes what is open yet into the file, and takes all the memory it may have for it.
        with suppress(duckdb.Error):
            con.execute("checkpoint")
        with suppress(duckdb.Error):  # a connection that a full disk has broken takes no settings
            con.execute(f"set memory_limit = '{memory}'")
        con.close()


def _make(warehouse: Path) -> None:
    """Makes a new warehouse in the newest storage format, which writes texts in two thirds of the time.

    DuckDB writes its oldest format unless told so when the file is made; an older warehouse stays as it is.
    """
    if not warehouse.exists():
        with duckdb.connect() as con:
            con.execute(f"attach '{_quoted(warehouse)}' as made (storage_version 'latest')")


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
    """Rows of one source on their way into its tables: waiting, then appended by dlt.

    Few rows wait in a temp table, many go straight into a Parquet file; either way dlt imports whole Parquet
    files, which costs little more than DuckDB's own insert (its rows are neither unpacked nor rewritten).
    The keys of what waits are in the temp table `waiting_keys_<table>`.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, source: str, state_dir: Path) -> None:
        self.con, self.source, self.state_dir, self.pipeline = con, source, state_dir, None
        self.folder = state_dir / f"waiting_{source}"
        self.parts: list[tuple[str, str, Path]] = []  # table, source_file, Parquet file
        self.rows = 0
        self.written = 0
        shutil.rmtree(self.folder, ignore_errors=True)  # left by a run that was killed

    def make_ready(self, table: str) -> None:
        """Makes the temp tables in which rows of `raw_<source>.<table>` wait."""
        columns = ", ".join(tables.sql_columns(f"raw_{self.source}.{table}"))
        self.con.execute(f"create or replace temp table waiting_{table} ({columns})")
        self.con.execute(
            f"create or replace temp table waiting_keys_{table} (row_key varchar, source_file varchar)"
        )

    def wait(self, table: str, path: str, rows: str, at_most: int) -> int:
        """Lets the rows of a SELECT over the table's columns wait; returns how many. `at_most` is a guess."""
        before = f"insert into waiting_keys_{table} select row_key, source_file from"
        if at_most < _MANY_ROWS:
            self.con.execute(f"create or replace temp table arriving as {rows}")
            self.con.execute(f"{before} arriving")
            count = self.con.execute(f"insert into waiting_{table} by name from arriving").fetchone()[0]
        else:
            part = self._part(table, path)
            count = self.con.execute(_copy(rows, part)).fetchone()[0]
            self.con.execute(f"{before} read_parquet('{_quoted(part)}')")
        self.rows += count
        return count

    def insert(self, table: str, rows: str, con: duckdb.DuckDBPyConnection) -> int:
        """Inserts the rows of a SELECT over the table's columns at once, past dlt; returns how many.

        For a dump in a transaction of the caller's: two copies of its rows would cost half of the time.
        """
        columns = ", ".join(tables.columns_of(f"raw_{self.source}.{table}"))
        return con.execute(f"insert into raw_{self.source}.{table} ({columns}) {rows}").fetchone()[0]

    def _part(self, table: str, path: str) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.written += 1
        self.parts.append((table, path, self.folder / f"{self.written}.parquet"))
        return self.parts[-1][2]

    def forget(self, path: str, names: Iterable[str]) -> None:
        """Takes back what a file that failed has left in this run, waiting or loaded."""
        for name in names:
            self.con.execute(
                f"delete from raw_{self.source}.{name}"
                " where source_file = ? and loaded_at = getvariable('loaded_at')",
                [path],
            )
            self.con.execute(f"delete from waiting_{name} where source_file = ?", [path])
            gone = self.con.execute(f"delete from waiting_keys_{name} where source_file = ?", [path])
            self.rows -= gone.fetchone()[0]
        for part in [part for part in self.parts if part[1] == path]:
            self.parts.remove(part)
            part[2].unlink(missing_ok=True)

    def load(self, names: Iterable[str]) -> None:
        """Appends all that waits to `raw_<source>.<table>`, as one package of dlt."""
        if not self.rows:
            return
        names = list(names)
        for name in names:
            if self.con.execute(f"select 1 from waiting_{name} limit 1").fetchone():
                self.con.execute(_copy(f"from waiting_{name}", self._part(name, "")))
        import dlt

        if self.pipeline is None:
            self.pipeline = self._pipeline()
        self.pipeline.run(
            [self._resource(dlt, name) for name in names if any(name == part[0] for part in self.parts)],
            loader_file_format="parquet",
        )
        for name in names:
            self.con.execute(f"truncate waiting_{name}")
            self.con.execute(f"truncate waiting_keys_{name}")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.parts, self.rows = [], 0

    def _resource(self, dlt, name: str):
        """The waiting Parquet files of a table, to be taken as they are.

        dlt rewrites a file whose times differ from its schema, so that says what they are: without a zone.
        """
        schema = tables.RAW_TABLES[f"raw_{self.source}.{name}"]
        times = [field.name for field in schema if field.type == tables.TIME]
        return dlt.resource(
            [
                dlt.mark.with_file_import(
                    str(part), "parquet", pq.read_metadata(part).num_rows, schema.empty_table()
                )
                for table, _, part in self.parts
                if table == name
            ],
            name=name,
            write_disposition="append",
            columns={time: {"data_type": "timestamp", "timezone": False} for time in times},
        )

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


def _copy(rows: str, part: Path) -> str:
    """SQL that writes rows into a Parquet file; gives their number."""
    return f"copy ({rows}) to '{_quoted(part)}' (format parquet, row_group_size 122880, compression lz4)"


def _quoted(file: Path) -> str:
    return str(file.absolute()).replace("'", "''")


def quiet_dlt(state_dir: Path) -> None:
    """Settings of dlt for this process: no telemetry, no log but errors, nothing outside `state_dir`."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ.setdefault("RUNTIME__LOG_LEVEL", "CRITICAL")
    os.environ["DLT_DATA_DIR"] = str(state_dir)
    os.environ.setdefault("LOAD__DELETE_COMPLETED_JOBS", "true")
    os.environ.setdefault("LOAD__WORKERS", "2")  # more at once take more memory, not less time
