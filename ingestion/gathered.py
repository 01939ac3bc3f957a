"""Many small files of web logs or form submissions -> parsed together, since DuckDB takes far longer to plan
the parsing of a file than to parse a few lines.

    files that are new, small and written alike -> one batch, each line with its file's number
        -> parsed -> keyed as each file alone would be -> those that are new wait to be loaded

The rows are those that the files would give one after the other: a content is counted within its file, and
of equal rows the first file's is taken. Of form submissions, JSON alone is gathered: lines of objects, and
objects over several lines as a form that writes a file for each submission has them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ingestion import forms, keys, lines, objects, web
from ingestion.files import Reading, Snapshot
from ingestion.ledger import FileReport
from ingestion.mapping import MAPPING
from ingestion.spellings import normalised
from ingestion.tables import columns_of
from ingestion.warehouse import Loader

BYTES_AT_MOST = 65_536
"""Size of a file that is small: a larger one is worth a plan of its own."""

FILES_AT_MOST = 500
"""Files that are taken together: as many lines as a batch of a large file may have."""

Parse = Callable[[duckdb.DuckDBPyConnection, pa.Table], str]
"""Makes lines known to a connection and gives SQL of their parsed rows."""


@dataclass
class Small:
    """A small file that has been read: its lines wait to be parsed with those of others."""

    report: FileReport
    looked: Snapshot
    reading: Reading
    rows_read_before: int
    lines: pa.Table  # line_number, text
    meaning: tuple  # files of one meaning are parsed by the same SQL
    parse: Parse
    clock: str | None = None


def can_hold(source: str) -> bool:
    """Whether small files of a source can be parsed together."""
    return source in ("web", "forms")


def small(looked: Snapshot, report: FileReport, rows_read_before: int, is_still: bool) -> Small | None:
    """Reads a file if it is small and its lines need no look at those above them; None if it is not so.

    Raises Unreadable as any reading does.
    """
    if looked.size > BYTES_AT_MOST or looked.is_packed or looked.found.remote or looked.kind != "text":
        return None
    reading = Reading()
    read = _web_log(looked, reading, is_still) if report.source == "web" else _form(looked, reading, is_still)
    return Small(report, looked, reading, rows_read_before, *read) if read else None


def _web_log(looked: Snapshot, reading: Reading, is_still: bool) -> tuple | None:
    """Lines, meaning, parser and clock of a web log."""
    said, style = web.style_of(looked)
    if style.name == "w3c":
        return None
    taken = list(lines.batches(looked, reading, style.is_whole, is_still))
    clock = web.CLOCK if style.has_offset else None
    # how a whole line is told is each file's own
    meaning = (said, replace(style, is_whole=_web_log))
    return (pa.concat_tables(taken), meaning, partial(_requests, said, style), clock) if taken else None


def _requests(said: web.Settings, style: object, con: duckdb.DuckDBPyConnection, taken: pa.Table) -> str:
    con.register("batch", taken)
    con.execute("create or replace temp view unread as select * from batch")
    return web.parse("requests", style, said)


def _form(looked: Snapshot, reading: Reading, is_still: bool) -> tuple | None:
    """Lines, meaning and parser of form submissions in JSON."""
    if not looked.starts_json:
        return None
    forms.form(looked.found)  # its settings are its own trouble, not that of the others
    layout, taken = objects.read_small(looked, reading, is_still)
    meaning = (layout, looked.found.beside(MAPPING))
    return (taken, meaning, partial(_submissions, looked, layout)) if taken.num_rows else None


def _submissions(looked: Snapshot, layout: str, con: duckdb.DuckDBPyConnection, taken: pa.Table) -> str:
    objects.make_batch(con, taken, is_kept=True, layout=layout)
    forms.name_fields(con, looked.found)
    con.execute("create or replace temp view unread as select * from batch")
    return forms.parse("submissions")


class Gathering:
    """Small files that are written alike, until they are taken together."""

    def __init__(self, con: duckdb.DuckDBPyConnection, loader: Loader) -> None:
        self.con, self.loader = con, loader
        self.waiting: list[Small] = []

    def has_room_for(self, small: Small) -> bool:
        """Whether a file can be parsed with those that wait, by the same SQL."""
        if not self.waiting:
            return True
        return len(self.waiting) < FILES_AT_MOST and self.waiting[0].meaning == small.meaning

    def add(self, small: Small) -> None:
        """Lets a file wait."""
        self.waiting.append(small)

    def take(self) -> list[Small]:
        """Parses the files' lines, keeps rejects, lets new rows wait; gives the files, counted."""
        taken, self.waiting = self.waiting, []
        try:
            if taken:
                _take(self.con, self.loader, taken)
        finally:
            objects.drop_batch(self.con)  # another source's is of another kind
        return taken


def _take(con: duckdb.DuckDBPyConnection, loader: Loader, waiting: list[Small]) -> None:
    name = "requests" if loader.source == "web" else "submissions"
    table, clock = f"raw_{loader.source}.{name}", waiting[0].clock
    rows = waiting[0].parse(con, _gathered(con, waiting))
    con.execute(f"""
        create or replace temp table parsed as
        select rows.* exclude (content, line_number), rows.line_number & 4294967295 as line_number,
            gathered.file_number, gathered.file_path, gathered.stream,
            {keys.CONTENT_KEY.replace("getvariable('stream')", "gathered.stream")} as content_key
        from ({rows}) as rows
        inner join gathered on gathered.file_number = rows.line_number >> 32""")
    record = "null" if loader.source == "web" else "payload"
    con.execute(
        f"insert into rejects_found select file_path, line_number, text, reason, {record} from parsed"
        " where reason is not null"
    )
    fresh = "fresh_lines" if clock else "fresh"
    con.execute(
        f"create or replace temp {'view' if clock else 'table'} {fresh} as {_fresh(con, table, clock)}"
    )
    rows = normalised(con, fresh, columns_of(table))
    total = sum(small.lines.num_rows for small in waiting)
    loader.wait(name, "", f"select {', '.join(columns_of(table))} from ({rows})", total)
    _count(con, name, waiting)


def _gathered(con: duckdb.DuckDBPyConnection, waiting: Iterable[Small]) -> pa.Table:
    """Registers `gathered`; gives the lines of all files, their numbers with the file's number above them."""
    batches = [
        small.lines.set_column(0, "line_number", pc.add(small.lines["line_number"], number << 32))
        for number, small in enumerate(waiting)
    ]
    founds = [small.looked.found for small in waiting]
    gathered = {
        "file_number": pa.array(range(len(waiting)), pa.int64()),
        "file_path": pa.array([found.path for found in founds], pa.string()),
        "stream": pa.array([found.stream for found in founds], pa.string()),
    }
    con.register("gathered", pa.table(gathered))
    return pa.concat_tables(batches).combine_chunks()


def _fresh(con: duckdb.DuckDBPyConnection, table: str, column: str | None) -> str:
    """SQL of the good rows of `parsed` that neither the raw table nor what waits holds, each once."""
    clock, waiting = None, f"waiting_keys_{table.partition('.')[2]}"
    if column:
        [times] = con.execute(
            f"select min({column}), max({column}) from parsed where reason is null"
        ).fetchall()
        clock = keys.Clock(column, *times) if times[0] else None
    known = f" and {clock.around(f'there.{clock.column}')}" if clock else ""
    return f"""
        with counted as (
            select *, if(provider_id is not null, 1,
                    row_number() over (partition by file_number, content_key order by line_number))::bigint
                as occurrence
            from parsed where reason is null
        ),
        keyed as (
            select *, if(occurrence = 1, content_key, md5(content_key || chr(31) || occurrence)) as row_key
            from counted
        ),
        ranked as (
            select *, row_number() over (partition by row_key order by file_number, line_number)
                as nth_of_key
            from keyed
        )
        select * exclude (file_path, file_number, content_key, text, reason, provider_id, nth_of_key),
            file_path as source_file, getvariable('loaded_at') as loaded_at
        from ranked
        where nth_of_key = 1
            and not exists (select 1 from {table} as there where there.row_key = ranked.row_key{known})
            and not exists (select 1 from {waiting} as there where there.row_key = ranked.row_key)"""


def _count(con: duckdb.DuckDBPyConnection, name: str, waiting: list[Small]) -> None:
    read = con.execute("select file_number, count(*), count(reason) from parsed group by 1").fetchall()
    for number, rows, rejected in read:
        waiting[number].report.rows_read, waiting[number].report.rows_rejected = rows, rejected
    loaded = con.execute(f"""
        select gathered.file_number, count(*)
        from waiting_keys_{name} as there inner join gathered on gathered.file_path = there.source_file
        group by 1""").fetchall()
    for number, rows in loaded:
        waiting[number].report.rows_loaded = rows
