"""The ledger of files (`raw_intake.files`) and rejected lines (`raw_intake.rejects`), and the report of a
run.

For every path `rows_read = rows_loaded + rows_duplicate + rows_rejected`, over all that was ever read from
it: rows_loaded and rows_rejected are counted in the tables themselves, so they are right after a crash
too.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from ingestion import held
from ingestion.files import Reading, Snapshot
from ingestion.tables import columns_of


@dataclass
class FileReport:
    """What one run read from one file. `trouble` is a sentence naming the file, the line and the mend."""

    source: str
    path: str
    rows_read: int = 0
    rows_loaded: int = 0
    rows_rejected: int = 0
    trouble: str | None = None

    @property
    def rows_duplicate(self) -> int:
        """Rows that were there already."""
        return self.rows_read - self.rows_loaded - self.rows_rejected


def trouble(con: duckdb.DuckDBPyConnection, report: FileReport, reading: Reading) -> str | None:
    """A file's trouble as a sentence: its open end, or the first of its rejected lines."""
    if reading.trouble:
        return f"{report.path} {reading.trouble}"
    if not report.rows_rejected:
        return None
    line, reason = con.execute(
        "select line_number, reason from rejects_found where path = ? order by line_number limit 1",
        [report.path],
    ).fetchone() or (0, "")
    others = report.rows_rejected - 1
    more = f" (and {others} lines more, in raw_intake.rejects)" if others else ""
    return f"{report.path} line {line}: {reason}{more}"


@dataclass
class IngestReport:
    """What one run did: the files that it read, and every trouble as a sentence.

    Files that have not changed since they were read are not in it.
    """

    loaded_at: datetime
    files: list[FileReport] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    @property
    def rows_read(self) -> int:
        """Rows read from all files."""
        return sum(file.rows_read for file in self.files)

    @property
    def rows_loaded(self) -> int:
        """Rows that are new in the raw tables."""
        return sum(file.rows_loaded for file in self.files)

    @property
    def rows_duplicate(self) -> int:
        """Rows that were there already."""
        return sum(file.rows_duplicate for file in self.files)

    @property
    def rows_rejected(self) -> int:
        """Rows now in `raw_intake.rejects`."""
        return sum(file.rows_rejected for file in self.files)

    def of(self, source: str) -> "IngestReport":
        """The report of one source alone."""
        return IngestReport(self.loaded_at, [file for file in self.files if file.source == source])


@dataclass
class Entry:
    """A file's line in the ledger."""

    content_hash: str | None
    rows_read: int
    stream: str
    size_bytes: int
    modified_ns: int
    lines_done: int
    is_open: bool
    open_line: int | None
    trouble: str | None
    settings_hash: str | None = None
    rows_rejected: int = 0


_KNOWN = (
    "content_hash",
    "rows_read",
    "stream",
    "size_bytes",
    "modified_ns",
    "lines_done",
    "is_open",
    "open_line",
    "trouble",
    "settings_hash",
    "rows_rejected",
)


def entries(con: duckdb.DuckDBPyConnection) -> dict[str, Entry]:
    """Every file that was read before, by path."""
    rows = con.execute(f"select path, {', '.join(_KNOWN)} from raw_intake.files").fetchall()
    return {path: Entry(*values) for path, *values in rows}


def forget_open_line(
    con: duckdb.DuckDBPyConnection, tables: Iterable[str], source: str, path: str, entry: Entry
) -> None:
    """Takes back a last line that was read before it was whole, as if it had never been read.

    Another file may have held the same text rightly and counted as duplicate, so the files of the stream
    are marked to be read again.
    """
    con.execute("begin")
    for table in tables:
        con.execute(f"delete from {table} where source_file = ? and line_number = ?", [path, entry.open_line])
    con.execute("delete from raw_intake.rejects where path = ? and line_number = ?", [path, entry.open_line])
    con.execute(
        "update raw_intake.files set content_hash = null, modified_ns = 0"
        " where source = ? and stream = ? and path <> ?",
        [source, entry.stream, path],
    )
    _note_taken_back(con, source, path, 1, "its last line was read before it was whole")
    con.execute("commit")


def take_back(
    con: duckdb.DuckDBPyConnection, tables: Iterable[str], source: str, path: str, cause: str
) -> list[str]:
    """Takes back all that was read from a file, as if it had never come; it is read anew at once.

    Another file may have repeated some of its rows, so the files of its stream that had duplicates are marked
    to be read again. Returns their paths.
    """
    con.execute("begin")
    taken = 0
    for table in tables:
        taken += con.execute(f"delete from {table} where source_file = ?", [path]).fetchone()[0]
    con.execute("delete from raw_intake.rejects where path = ?", [path])
    marked = con.execute(
        "update raw_intake.files set content_hash = null, modified_ns = 0"
        " where source = $source and path <> $path and rows_duplicate > 0 and exists (select 1 from"
        " raw_intake.files as own where own.path = $path and own.stream = files.stream"
        " and files.last_read_at >= own.first_seen_at) returning path",
        {"source": source, "path": path},
    ).fetchall()
    con.execute(
        "update raw_intake.files set content_hash = null, modified_ns = 0, lines_done = 0, rows_read = 0,"
        " rows_loaded = 0, rows_duplicate = 0, rows_rejected = 0 where path = ?",
        [path],
    )
    _note_taken_back(con, source, path, taken, cause)
    con.execute("commit")
    return [other for (other,) in marked]


def _note_taken_back(con: duckdb.DuckDBPyConnection, source: str, path: str, rows: int, cause: str) -> None:
    """Rows that models may have seen are gone: the next build adds nothing to the old one."""
    con.execute(
        "insert into raw_intake.taken_back values (?, ?, ?, ?, getvariable('loaded_at')::timestamp)",
        [source, path, rows, cause],
    )


def forget_rejects(con: duckdb.DuckDBPyConnection, path: str) -> None:
    """Makes a file with rejected lines one that was never read, so that it is read again after a mend."""
    con.execute("begin")
    con.execute("delete from raw_intake.rejects where path = ?", [path])
    con.execute(
        "update raw_intake.files set content_hash = null, modified_ns = 0, rows_rejected = 0, lines_done = 0,"
        " rows_read = rows_read - rows_rejected where path = ?",
        [path],
    )
    con.execute("commit")


@dataclass
class Read:
    """A file read to its end in this run: it enters the ledger once its rows are loaded."""

    report: FileReport
    looked: Snapshot
    reading: Reading
    rows_read_before: int
    is_anew: bool = False  # read from its start
    is_retry: bool = False  # not the file, which is gone, but its rejected lines


def note_settings(con: duckdb.DuckDBPyConnection, path: str, settings_hash: str) -> None:
    """Notes the settings of a file that was read before they were kept."""
    con.execute("update raw_intake.files set settings_hash = ? where path = ?", [settings_hash, path])


def record(
    con: duckdb.DuckDBPyConnection, source: str, tables: Iterable[str], done: list[Read], now: datetime
) -> None:
    """Writes `rejects_found` and the ledger lines of files whose rows are loaded, all or none."""
    paths = [read.report.path for read in done]
    con.execute("begin")
    tried = [read.report.path for read in done if read.is_retry]
    con.execute("delete from raw_intake.rejects where list_contains($tried, path)", {"tried": tried})
    con.execute(
        "insert into raw_intake.rejects"
        " select getvariable('source'), path, line_number, text, reason, $now, record"
        " from rejects_found as found where list_contains($paths, path) and not exists ("
        "select 1 from raw_intake.rejects as known where known.path = found.path"
        " and known.line_number = found.line_number and known.text is not distinct from found.text)",
        {"now": now, "paths": paths},
    )
    con.execute("delete from rejects_found where list_contains($paths, path)", {"paths": paths})
    held.replace(con, {read.report.path for read in done if read.is_anew and not read.is_retry}, now)
    _write(con, source, list(tables), done, now)
    con.execute("commit")


def _write(
    con: duckdb.DuckDBPyConnection, source: str, tables: list[str], done: list[Read], now: datetime
) -> None:
    paths = [read.report.path for read in done]
    loaded = _counts(
        con,
        " union all ".join(f"select source_file as path from {table}" for table in tables)
        + held.waiting_rows(con, tables),
        paths,
    )
    rejected = _counts(con, "select path from raw_intake.rejects", paths)
    seen = con.execute(
        "select path, first_seen_at from raw_intake.files where list_contains($paths, path)", {"paths": paths}
    ).fetchall()
    first_seen = dict(seen)
    con.execute("delete from raw_intake.files where list_contains($paths, path)", {"paths": paths})
    for read in done:
        path, reading = read.report.path, read.reading
        kept = loaded.get(path, 0) + rejected.get(path, 0)
        rows_read = max(read.rows_read_before + read.report.rows_read, kept)
        line = {
            "source": source,
            "path": path,
            "content_hash": reading.content_hash,
            "rows_read": rows_read,
            "rows_loaded": loaded.get(path, 0),
            "rows_duplicate": rows_read - kept,
            "rows_rejected": rejected.get(path, 0),
            "first_seen_at": first_seen.get(path, now),
            "last_read_at": now,
            "stream": read.looked.found.stream,
            "size_bytes": read.looked.size,
            "modified_ns": read.looked.modified_ns,
            "lines_done": reading.lines_done,
            "is_open": reading.is_open,
            "open_line": reading.open_line,
            "trouble": reading.trouble,
            "settings_hash": reading.settings_hash,
        }
        values = [line[column] for column in columns_of("raw_intake.files")]
        con.execute(f"insert into raw_intake.files values ({', '.join('?' * len(values))})", values)


def _counts(con: duckdb.DuckDBPyConnection, rows: str, paths: list[str]) -> dict[str, int]:
    counted = con.execute(
        f"select path, count(*) from ({rows}) where list_contains($paths, path) group by path",
        {"paths": paths},
    ).fetchall()
    return dict(counted)


def touch(con: duckdb.DuckDBPyConnection, looked: Snapshot) -> None:
    """Notes the new time of a file whose content is the same as before."""
    con.execute(
        "update raw_intake.files set modified_ns = ?, size_bytes = ? where path = ?",
        [looked.modified_ns, looked.size, looked.found.path],
    )
