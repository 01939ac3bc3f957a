"""Batches of lines, arrays, tables and workbooks -> records: one temp table `batch` for every source.

    JSON lines, a JSON array, CSV rows, workbook rows -> batch(line_number, text, payload, fields, fault)

`payload` is the record in one canonical form (an object with sorted keys, nothing but what the file says),
so that spacing, column order, quoting and encoding cannot matter; `fields` is the same under the names
that the source knows; `fault` says why a line is no record.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import charset_normalizer
import duckdb
import openpyxl
import pyarrow as pa

from ingestion.files import Reading, Snapshot, Unreadable, content

ROWS_AT_ONCE = 100_000
_HEADER_WITHIN = 60  # rows in which the header must stand; exports put notes above it

_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")

Columns = Callable[[set[str]], str | None]


# JSON ---------------------------------------------------------------------------------------------


def is_object(line: str, previous: str | None) -> bool:
    """Whether a last line without a line end is whole: a JSON object that closes cannot go on."""
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def batch_of_lines(con: duckdb.DuckDBPyConnection) -> None:
    """Temp table `batch` of the JSON lines in `lines(line_number, text)`; blank lines are no records."""
    con.execute("""
        create or replace temp table parts as
        select line_number, text,
            case when json_valid(text) and json_type(text) = 'OBJECT' then from_json(text, '"JSON"') end
                as value
        from lines where trim(text) <> ''""")
    _sorted(con)


def batches_of_array(con: duckdb.DuckDBPyConnection, looked: Snapshot, reading: Reading) -> Iterator[None]:
    """Temp table `batch` of a JSON array's elements, some at a time; line_number is their place from 1."""
    stored, reading.content_hash = content(looked)
    try:
        text = stored.decode("utf-8-sig")
        con.execute(
            "create or replace temp table elements as"
            " select row_number() over () as line_number, element as text"
            " from (select unnest(from_json($text, '[\"JSON\"]')) as element)",
            {"text": text},
        )
    except UnicodeDecodeError as error:
        raise Unreadable("is JSON but not in UTF-8: save it as UTF-8") from error
    except duckdb.Error as error:
        place = re.search(r"at byte (\d+)[^:]*: ([^.]*)", str(error))
        line = stored[: int(place[1])].count(b"\n") + 1 if place else 1
        why = f" ({place[2]})" if place else ""
        raise Unreadable(
            f"line {line}: the JSON array is not whole{why}: send the whole file again"
        ) from error
    total = con.execute("select count(*) from elements").fetchone()[0]
    for first in range(0, total, ROWS_AT_ONCE):
        con.execute(
            "create or replace temp table parts as select line_number, text::varchar as text,"
            " case when json_type(text) = 'OBJECT' then text end as value from elements"
            " where line_number > $first and line_number <= $last",
            {"first": first, "last": first + ROWS_AT_ONCE},
        )
        _sorted(con)
        yield
    con.execute("drop table elements")
    reading.lines_done = total


def _sorted(con: duckdb.DuckDBPyConnection) -> None:
    """Temp table `batch` from `parts(line_number, text, value)`: keys sorted at every depth."""
    con.execute("""
        create or replace temp table batch as
        with members as materialized (
            select line_number, text, list_sort(map_entries(from_json(value, '"MAP(VARCHAR, JSON)"')))
                as members
            from parts
        ),
        written as (
            select line_number, text, '{' || array_to_string(list_transform(members,
                lambda member: to_json(member.key) || ':' || coalesce(member.value::varchar, 'null')), ',')
                    || '}' as payload
            from members
        )
        select line_number, text, payload, payload as fields,
            if(payload is null, 'the line is not a JSON object in UTF-8: write one whole object a line',
            null) as fault
        from written""")
    deep = con.execute(
        "select distinct payload from batch where regexp_matches(payload, '[:,\\[]\\{')"
    ).fetchall()
    if deep:
        texts = [row[0] for row in deep]
        con.register(
            "deep",
            pa.table({"payload": texts, "ordered": [_written(json.loads(text)) for text in texts]}),
        )
        con.execute(
            "update batch set payload = deep.ordered, fields = deep.ordered from deep where"
            " batch.payload = deep.payload"
        )
        con.unregister("deep")


def _written(value: object) -> str:
    """JSON text with sorted keys and no blanks."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


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


# Tables -------------------------------------------------------------------------------------------


@dataclass
class Layout:
    """What a header says: the raw table and the key of each column."""

    table: str
    keys: list[str]


def layout(cells: list[str], table_of: Columns, spelled: Callable[[str], str]) -> Layout | None:
    """The layout if the cells are a header of the source, else None."""
    keys = [spelled(cell) for cell in cells]
    while keys and not keys[-1]:
        keys.pop()
    table = table_of({key for key in keys if key})
    return Layout(table, keys) if table else None


@dataclass
class Table:
    """A CSV or workbook whose header was found: its layout and its rows after the header."""

    layout: Layout
    rows: Iterator[tuple[int, list[str], str, str | None]]


def table(
    looked: Snapshot, reading: Reading, table_of: Columns, spelled: Callable[[str], str], is_finished: bool
) -> Table:
    """Finds the header of a CSV (in whatever encoding and delimiter) or workbook. Raises Unreadable with the
    mend.
    """
    stored, reading.content_hash = content(looked)
    if looked.kind == "workbook":
        rows = _workbook_rows(stored, reading)
        found = _below_header(rows, table_of, spelled)
    else:
        found = _text_table(stored, looked, reading, table_of, spelled, is_finished)
    if not found:
        raise Unreadable(
            "has no header that is known here (looked at the first rows): name its columns in the first"
            " row as the"
            " README says, or add their spelling to the mapping beside the source's code"
        )
    return found


def has_header(looked: Snapshot, table_of: Columns, spelled: Callable[[str], str]) -> bool:
    """Whether a file is a table with a header of the source."""
    try:
        return bool(table(looked, Reading(), table_of, spelled, True))
    except Unreadable:
        return False


def _below_header(rows: Iterator, table_of: Columns, spelled: Callable[[str], str]) -> Table | None:
    """The first row within reach that is a header, and the rows below it."""
    for _, row in zip(range(_HEADER_WITHIN), rows, strict=False):
        if header := layout(row[1], table_of, spelled):
            return Table(header, rows)
    return None


def _text_table(
    stored: bytes, looked: Snapshot, reading: Reading, table_of: Columns, spelled: Callable, is_finished: bool
) -> Table | None:
    """Tries the encodings that read every byte, and the delimiters, until a header is found."""
    is_wide = stored[:2] in _WIDE_MARKS  # two bytes a sign: no line can be told before decoding
    whole = stored if looked.is_packed or is_finished or is_wide else stored[: stored.rfind(b"\n") + 1]
    tail = stored[len(whole) :]
    encodings = list(_encodings(whole or stored))
    if not encodings:
        raise Unreadable(
            "is in an encoding that cannot be read exactly: save it as UTF-8 (Excel: CSV UTF-8) and"
            " send it again"
        )
    for encoding in encodings:
        text, last = (whole or stored).decode(encoding), _decoded(tail, encoding) if whole else ""
        for delimiter in ",\t;":
            head = text if len(text) < 65536 else text[:65536].rpartition("\n")[0]
            if _below_header(_cells(head, delimiter, Reading()), table_of, spelled):
                rows = _cells(text, delimiter, reading, last, looked.is_packed or is_finished)
                return _below_header(rows, table_of, spelled)
    return None


def _encodings(stored: bytes) -> Iterator[str]:
    """Encodings in which every byte can be read, the likeliest first."""
    if stored[:2] in _WIDE_MARKS:
        candidates = ["utf-16"]
    else:
        guess = (
            charset_normalizer.from_bytes(stored[:65536]).best()
            if _decoded(stored, "utf-8") is None
            else None
        )
        candidates = ["utf-8-sig", "cp932", "euc_jp", *([guess.encoding] if guess else [])]
    for encoding in dict.fromkeys(candidates):
        if _decoded(stored, encoding) is not None:
            yield encoding


def _decoded(stored: bytes, encoding: str) -> str | None:
    try:
        return stored.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _cells(
    text: str, delimiter: str, reading: Reading, tail: str | None = "", is_finished: bool = True
) -> Iterator[tuple[int, list[str], str, str | None]]:
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


def _workbook_rows(stored: bytes, reading: Reading) -> Iterator[tuple[int, list[str], str, str | None]]:
    """Rows of a workbook's first sheet, numbered as the sheet numbers them."""
    try:
        book, width = openpyxl.load_workbook(io.BytesIO(stored), read_only=True, data_only=True), 0
        for number, row in enumerate(book.worksheets[0].iter_rows(values_only=True), start=1):
            cells = [_cell_text(value) for value in row]
            width = max(width, len(cells))
            cells += [""] * (width - len(cells))  # a workbook leaves out empty cells at the end of a row
            reading.lines_done = number
            yield number, cells, "\t".join(cells), None
    except Exception as error:  # openpyxl raises whatever the broken part of the archive made it stumble on
        raise Unreadable(
            f"is not a workbook that can be read ({type(error).__name__}): save it as XLSX again"
        ) from error


def _cell_text(value: object) -> str:
    """A workbook cell as the text a person sees: whole numbers without point, dates in ISO form."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if hasattr(value, "isoformat"):
        return value.isoformat().removesuffix("T00:00:00")
    return str(value)


def batches_of_table(
    con: duckdb.DuckDBPyConnection,
    found: Table,
    table_of: Columns,
    spelled: Callable[[str], str],
    fields_of: Callable[[dict[str, str]], dict[str, str]],
) -> Iterator[None]:
    """Temp table `batch` of rows, some at a time; empty rows and repeated headers are no records."""
    header, rows = found.layout, []
    for line, cells, text, fault in found.rows:
        if not fault and not any(cell.strip() for cell in cells):
            continue
        if not fault and spelled(cells[0]) in header.keys and (again := layout(cells, table_of, spelled)):
            header = again
            continue
        rows.append(_record(line, cells, text, fault, header.keys, fields_of))
        if len(rows) >= ROWS_AT_ONCE:
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
