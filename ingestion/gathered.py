"""Many small web logs -> parsed together, since DuckDB takes far longer to plan the parsing of a file than to
parse a few lines.

    files that are new, small and written alike -> one batch, each line with its file's number
        -> parsed -> keyed as each file alone would be -> those that are new wait to be loaded

The rows are those that the files would give one after the other: a content is counted within its file, and
of equal rows the first file's is taken.
"""

from dataclasses import dataclass, replace

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ingestion import keys, lines, web
from ingestion.files import Reading, Snapshot
from ingestion.ledger import FileReport
from ingestion.spellings import normalised
from ingestion.tables import columns_of
from ingestion.warehouse import Loader
from ingestion.web_formats import LogStyle

BYTES_AT_MOST = 65_536
"""Size of a file that is small: a larger one is worth a plan of its own."""

FILES_AT_MOST = 500
"""Files that are taken together: as many lines as a batch of a large file may have."""

_TABLE = "raw_web.requests"


@dataclass
class Small:
    """A small file that has been read: its lines wait to be parsed with those of others."""

    report: FileReport
    looked: Snapshot
    reading: Reading
    rows_read_before: int
    lines: pa.Table
    said: web.Settings
    style: LogStyle


def small(looked: Snapshot, report: FileReport, rows_read_before: int, is_still: bool) -> Small | None:
    """Reads a file if it is small and its lines need no look at those above them; None if it is not so.

    Raises Unreadable as any reading does.
    """
    if looked.size > BYTES_AT_MOST or looked.is_packed or looked.found.remote or looked.kind != "text":
        return None
    said, style = web.style_of(looked)
    if style.name == "w3c":
        return None
    reading = Reading()
    taken = list(lines.batches(looked, reading, style.is_whole, is_still))
    if not taken:
        return None
    return Small(report, looked, reading, rows_read_before, pa.concat_tables(taken), said, style)


class Gathering:
    """Small files that are written alike, until they are taken together."""

    def __init__(self, con: duckdb.DuckDBPyConnection, loader: Loader) -> None:
        self.con, self.loader = con, loader
        self.waiting: list[Small] = []

    def has_room_for(self, small: Small) -> bool:
        """Whether a file can be parsed with those that wait, by the same SQL."""
        if not self.waiting:
            return True
        like = self.waiting[0]
        return len(self.waiting) < FILES_AT_MOST and _meaning(like) == _meaning(small)

    def add(self, small: Small) -> None:
        """Lets a file wait."""
        self.waiting.append(small)

    def take(self) -> list[Small]:
        """Parses the files' lines, keeps rejects, lets new rows wait; gives the files, counted."""
        taken, self.waiting = self.waiting, []
        if taken:
            _take(self.con, self.loader, taken)
        return taken


def _meaning(small: Small) -> tuple:
    """What settles the SQL of a file: all of its settings and style but how a whole line is told."""
    return small.said, replace(small.style, is_whole=_meaning)


def _take(con: duckdb.DuckDBPyConnection, loader: Loader, waiting: list[Small]) -> None:
    _register(con, waiting)
    said, style = waiting[0].said, waiting[0].style
    con.execute(f"""
        create or replace temp table parsed as
        select rows.* exclude (content, line_number), rows.line_number & 4294967295 as line_number,
            gathered.file_number, gathered.file_path, gathered.stream,
            {keys.CONTENT_KEY.replace("getvariable('stream')", "gathered.stream")} as content_key
        from ({web.parse("requests", style, said)}) as rows
        inner join gathered on gathered.file_number = rows.line_number >> 32""")
    con.unregister("batch")
    con.execute(
        "insert into rejects_found select file_path, line_number, text, reason, null from parsed"
        " where reason is not null"
    )
    con.execute(f"create or replace temp view fresh_lines as {_fresh(con, style.has_offset)}")
    rows = normalised(con, "fresh_lines", columns_of(_TABLE))
    total = sum(small.lines.num_rows for small in waiting)
    loader.wait("requests", "", f"select {', '.join(columns_of(_TABLE))} from ({rows})", total)
    _count(con, waiting)


def _register(con: duckdb.DuckDBPyConnection, waiting: list[Small]) -> None:
    """Registers `gathered` and `batch(line_number, text)`: line_number has the file's number above it."""
    batches = [
        small.lines.set_column(0, "line_number", pc.add(small.lines["line_number"], number << 32))
        for number, small in enumerate(waiting)
    ]
    con.register("batch", pa.concat_tables(batches).combine_chunks())
    con.execute("create or replace temp view unread as select * from batch")
    founds = [small.looked.found for small in waiting]
    gathered = {
        "file_number": pa.array(range(len(waiting)), pa.int64()),
        "file_path": pa.array([found.path for found in founds], pa.string()),
        "stream": pa.array([found.stream for found in founds], pa.string()),
    }
    con.register("gathered", pa.table(gathered))


def _fresh(con: duckdb.DuckDBPyConnection, has_clock: bool) -> str:
    """SQL of the good rows of `parsed` that neither the raw table nor what waits holds, each once."""
    clock = None
    if has_clock:
        [times] = con.execute(
            f"select min({web.CLOCK}), max({web.CLOCK}) from parsed where reason is null"
        ).fetchall()
        clock = keys.Clock(web.CLOCK, *times) if times[0] else None
    known = f" and {clock.around(f'there.{clock.column}')}" if clock else ""
    return f"""
        with counted as (
            select *, row_number() over (partition by file_number, content_key order by line_number)
                as occurrence
            from parsed where reason is null
        ),
        keyed as (
            select *, if(occurrence = 1, content_key, md5(content_key || chr(31) || occurrence)) as row_key
            from counted
        ),
        ranked as (
            select *, row_number() over (partition by row_key order by file_number) as nth_of_key
            from keyed
        )
        select * exclude (file_path, file_number, content_key, text, reason, provider_id, nth_of_key),
            file_path as source_file, getvariable('loaded_at') as loaded_at
        from ranked
        where nth_of_key = 1
            and not exists (select 1 from {_TABLE} as there where there.row_key = ranked.row_key{known})
            and not exists (
                select 1 from waiting_keys_requests as there where there.row_key = ranked.row_key)"""


def _count(con: duckdb.DuckDBPyConnection, waiting: list[Small]) -> None:
    read = con.execute("select file_number, count(*), count(reason) from parsed group by 1").fetchall()
    for number, rows, rejected in read:
        waiting[number].report.rows_read, waiting[number].report.rows_rejected = rows, rejected
    loaded = con.execute("""
        select gathered.file_number, count(*)
        from waiting_keys_requests as there inner join gathered on gathered.file_path = there.source_file
        group by 1""").fetchall()
    for number, rows in loaded:
        waiting[number].report.rows_loaded = rows
