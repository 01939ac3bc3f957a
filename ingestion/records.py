"""Tables and workbooks -> records: one temp table `batch`, as `objects` makes it of JSON.

    CSV rows, workbook rows -> batch(line_number, text, payload, fields, fault)

`payload` is the record in one canonical form (an object with sorted keys, nothing but what the file says),
so that spacing, column order, quoting and encoding cannot matter; `fields` is the same under the names
that the source knows; `fault` says why a line is no record.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import duckdb
import pyarrow as pa

from ingestion import encodings, workbooks
from ingestion.files import Reading, Snapshot, Unreadable, content

_HEADER_WITHIN = 60  # rows in which the header must stand; exports put notes above it
DELIMITERS = ",\t;|"
_ROWS_AT_ONCE = 25_000


@dataclass(frozen=True)
class Form:
    """What a source knows of tables: how a header is spelled, which raw table it tells, how a row is named.

    `mend` ends the sentence for a file without a known header; `encoding` is one that a person has named.
    """

    table_of: Callable[[set[str]], str | None]
    spelled: Callable[[str], str]
    fields: Callable[[dict[str, str]], dict[str, str]] = dict
    mend: str = "name its columns in the first row as the README says"
    encoding: str | None = None
    names_json: bool = False  # JSON keys take the way of header cells too


# JSON ---------------------------------------------------------------------------------------------


_JSON = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _written(value: object) -> str:
    """JSON text with sorted keys and no blanks."""
    return _JSON.encode(value)


def keys_of(text: str) -> set[str]:
    """Keys of the first records of a JSON text (an array or lines); empty if it is not JSON."""
    keys: set[str] = set()
    decoder, place = json.JSONDecoder(), 0
    text = text.removeprefix("\ufeff")
    for _ in range(20):
        while place < len(text) and text[place] in " \t\r\n[,":
            place += 1
        try:
            record, place = decoder.raw_decode(text, place)
        except ValueError:
            break
        keys |= set(record) if isinstance(record, dict) else set()
    return keys


def names_told(con: duckdb.DuckDBPyConnection, form: Form) -> None:
    """Gives the `fields` of a batch of JSON the names of the form, as a table's header cells get them."""
    found = con.execute("select distinct payload from batch where payload is not null").fetchall()
    told = [
        (text, _written(form.fields(_spelled(json.loads(text, parse_float=str, parse_int=str), form))))
        for (text,) in found
    ]
    con.register(
        "told",
        pa.table(
            [list(column) for column in zip(*told, strict=True)] or [[], []], names=["payload", "fields"]
        ),
    )
    con.execute("update batch set fields = told.fields from told where batch.payload = told.payload")
    con.unregister("told")


def _spelled(record: dict[str, object], form: Form) -> dict[str, str]:
    """The filled members of a JSON object as text, under header spellings."""
    texts = {key: value if isinstance(value, str) else _written(value) for key, value in record.items()}
    return {form.spelled(key): text for key, text in texts.items() if text.strip() and text != "null"}


# Tables -------------------------------------------------------------------------------------------


@dataclass
class Layout:
    """What a header says: the raw table, the key of each column, and where the header stands."""

    table: str
    keys: list[str]
    line: int = 0


def layout(cells: list[str], form: Form, line: int = 0) -> Layout | None:
    """The layout if the cells are a header of the source, else None."""
    keys = [form.spelled(cell) for cell in cells]
    while keys and not keys[-1]:
        keys.pop()
    table = form.table_of({key for key in keys if key})
    return Layout(table, keys, line) if table else None


Row = tuple[int, list[str], str, str | None]
"""Where a row begins (from 1), its cells, its text as it came, and why it is none (or None)."""


@dataclass
class Table:
    """A CSV or workbook whose header was found: its layout, its rows after the header, how it was read."""

    layout: Layout
    rows: Iterator[Row]
    encoding: str = ""
    delimiter: str = ""


def table(looked: Snapshot, reading: Reading, form: Form, is_finished: bool) -> Table:
    """Finds the header of a CSV (in whatever encoding and delimiter) or workbook.

    Raises Unreadable with the mend.
    """
    stored, reading.content_hash = content(looked)
    if looked.kind == "workbook":
        found = _below_header(workbooks.rows(stored, reading, partial(layout, form=form)), form)
    else:
        found = _text_table(stored, looked, reading, form, is_finished)
    if not found:
        raise Unreadable(f"has no header that is known here (looked at the first rows): {form.mend}")
    return found


def has_header(looked: Snapshot, form: Form) -> bool:
    """Whether a file is a table with a header of the source."""
    try:
        return bool(table(looked, Reading(), form, True))
    except Unreadable:
        return False


def _below_header(rows: Iterator[Row], form: Form) -> Table | None:
    """The first row within reach that is a header, and the rows below it."""
    for _, row in zip(range(_HEADER_WITHIN), rows, strict=False):
        if header := layout(row[1], form, row[0]):
            return Table(header, rows)
    return None


def _text_table(
    stored: bytes, looked: Snapshot, reading: Reading, form: Form, is_finished: bool
) -> Table | None:
    """The table in the one encoding that can be right, by the first delimiter that shows a header."""
    is_whole = looked.is_packed or is_finished or stored[:2] in encodings.WIDE_MARKS
    whole = stored if is_whole else stored[: stored.rfind(b"\n") + 1] or stored
    tail = stored[len(whole) :]
    readable = encodings.readable(whole, form.encoding)
    found = [(each, mark) for each in readable if (mark := _delimiter(whole.decode(each), form))]
    if not found:
        return None
    encoding = encodings.told_apart(whole, [each for each, _ in found])
    delimiter = dict(found)[encoding]
    last = encodings.decoded(tail, encoding)
    rows = _cells(whole.decode(encoding), delimiter, reading, last, looked.is_packed or is_finished)
    below = _below_header(rows, form)
    return replace(below, encoding=encoding, delimiter=delimiter) if below else None


def _delimiter(text: str, form: Form) -> str | None:
    """The delimiter by which the start of a text shows a header; None if it shows none."""
    head = text if len(text) < 65536 else text[:65536].rpartition("\n")[0]
    return next((mark for mark in DELIMITERS if _below_header(_cells(head, mark, Reading()), form)), None)


def _cells(
    text: str, delimiter: str, reading: Reading, tail: str | None = "", is_finished: bool = True
) -> Iterator[Row]:
    """Rows of a CSV text with the line each begins at; `tail` is a last line without a line end.

    The tail is given when it has as many cells as the row before it, else left for the next time with a
    sentence; so is a row whose quote never closes.
    """
    csv.field_size_limit(2**31 - 1)
    source = _Lines(text + (tail or ""))
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    width = 0
    while True:
        begin = source.number + 1
        source.taken.clear()
        try:
            cells = next(reader, None)
        except csv.Error as error:
            if "unexpected end" in str(error) and not is_finished:
                _leave_open(reading, begin, "a quote that opens there never closes")
                return
            reading.lines_done = source.number
            yield (
                begin,
                [],
                "".join(source.taken),
                f"the row cannot be told into cells ({error}): mend its quotes",
            )
            continue
        if cells is None:
            if tail is None:
                _leave_open(reading, source.number + 1, "the last line ends inside a character")
            return
        raw = "".join(source.taken)
        if tail and not is_finished and source.is_done() and not raw.endswith("\n"):
            reading.is_open = True
            if len(cells) < width:
                _leave_open(reading, begin, "the last line has no line end yet")
                return
            reading.open_line = begin
        reading.lines_done = source.number
        width = len(cells) or width
        yield begin, cells, raw.rstrip("\r\n"), None


def _leave_open(reading: Reading, line: int, why: str) -> None:
    reading.is_open, reading.open_line = True, None
    reading.trouble = (
        f"line {line}: {why}; it is read when the rest of it has come,"
        " or when the file has been still for an hour"
    )


class _Lines:
    """Lines of a text, counted and kept since the last `clear`, for csv.reader."""

    def __init__(self, text: str) -> None:
        self.lines, self.size, self.number = io.StringIO(text, newline=""), len(text), 0
        self.taken: list[str] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self.lines.readline()
        if not line:
            raise StopIteration
        self.number += 1
        self.taken.append(line)
        return line

    def is_done(self) -> bool:
        """Whether every line was taken."""
        return self.lines.tell() >= self.size


def batches_of_table(con: duckdb.DuckDBPyConnection, found: Table, form: Form) -> Iterator[None]:
    """Temp table `batch` of rows, some at a time; empty rows and repeated headers are no records."""
    header, rows = found.layout, []
    for line, cells, text, fault in found.rows:
        if not fault and not any(cell.strip() for cell in cells):
            continue
        if not fault and form.spelled(cells[0]) in header.keys and (again := layout(cells, form, line)):
            header = again
            continue
        rows.append(_record(line, cells, text, fault, header.keys, form.fields))
        if len(rows) >= _ROWS_AT_ONCE:
            _fill(con, rows)
            yield
            rows = []
    if rows:
        _fill(con, rows)
        yield


def _record(
    line: int,
    cells: list[str],
    text: str,
    fault: str | None,
    keys: list[str],
    fields_of: Callable,
) -> tuple:
    """One row as (line_number, text, payload, fields, fault); a column without a name takes its number."""
    width = len(keys)
    spare = [cell for cell in cells[width:] if cell.strip()]
    if not fault and spare:
        fault = f"the row has {len(cells)} cells, its header {width}: quote the cell that holds a delimiter"
    if not fault and len(cells) < width:
        fault = f"the row has {len(cells)} cells, its header {width}: send the whole row again"
    if fault:
        return line, text, None, None, fault
    names = [key or f"column {place}" for place, key in enumerate(keys, start=1)]
    record: dict[str, str] = {}
    for name, cell in zip(names, cells, strict=False):
        if cell.strip():
            record[name] = f"{record[name]} {cell}" if name in record else cell
    return line, text, _written(record), _written(fields_of(record)), None


def _fill(con: duckdb.DuckDBPyConnection, rows: list[tuple]) -> None:
    names = ("line_number", "text", "payload", "fields", "fault")
    types = (pa.int64(), *[pa.string()] * 4)
    arrays = [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), types, strict=True)]
    con.register("rows_read", pa.table(arrays, names=list(names)))
    con.execute("create or replace temp table batch as select * from rows_read")
    con.unregister("rows_read")
