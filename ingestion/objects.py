"""Files of JSON in any layout -> records: the temp table `batch` for every source.

    lines (each an object, or an array of them) | one array | objects over several lines
        -> parts(line_number, text, value) -> batch(line_number, text, payload, fields, fault)

`payload` is the record in one canonical form: keys sorted at every depth, no blanks, nothing but what the
file says, so that spacing, key order and layout cannot matter. An array in a line is unfolded, each of its
elements a record of that line. `line_number` is where the record begins, in an array its place from 1.
"""

import json
import re
from collections.abc import Iterator

import duckdb
import pyarrow as pa

from ingestion import files, json_order, lines
from ingestion.files import Reading, Snapshot, Unreadable

_NO_RECORD = "the line is not a JSON object in UTF-8: write one whole object a line"
_TORN_OBJECT = "the JSON object that begins here is not whole: send the whole object again"
_DEEP = "{} like '%{{%{{%'"
_COLUMNS_AT_MOST = 400  # keys that a batch may have in all before its rows are sorted one by one
_LINES_AT_ONCE = 120_000
_ODD_KEY = re.compile(r"""["'\\/~*?\[\]\x00-\x1f]""")  # a key that a JSON path cannot hold as it is
_LONE_SURROGATE = re.compile(
    r"(?<!\\)((?:\\\\)*)(?:\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2})"
)


def batches(
    con: duckdb.DuckDBPyConnection,
    looked: Snapshot,
    reading: Reading,
    is_finished: bool,
    *,
    is_kept: bool,
    left: Iterator[pa.Table] | None = None,
) -> Iterator[None]:
    """Fills `batch` again and again with the records of a JSON file, and `shapes(keys)` with their key lists.

    `batch` is a temp table if it `is_kept`, else a view to be read once, which spares a copy of all rows.
    `left` is what is left of the file's lines where some were taken already.
    Raises Unreadable for an array that is not whole; a line that is no record becomes a row with its fault.
    """
    drop_batch(con)  # another source's table is in the way of a view
    layout = "lines" if left else _layout(looked)
    try:
        if layout == "array":
            yield from _batches_of_array(con, looked, reading, is_kept)
        elif layout == "objects":
            yield from _batches_of_objects(con, looked, reading, is_finished, is_kept)
        else:
            for taken in left or lines.batches(looked, reading, is_value, is_finished):
                make_batch(con, taken, is_kept)
                yield
    finally:
        drop_batch(con)


def make_batch(con: duckdb.DuckDBPyConnection, taken: pa.Table, is_kept: bool, layout: str = "lines") -> None:
    """Makes `batch` and `shapes` of some texts, each an object or an array of them."""
    con.register("lines", taken)
    _part(con)
    write_batch(con, is_kept, _TORN_OBJECT if layout == "objects" else _NO_RECORD)


def read_small(looked: Snapshot, reading: Reading, is_finished: bool) -> tuple[str, pa.Table]:
    """Layout of a small file that begins with an object, and its texts with the line each begins at."""
    layout, rows = _layout(looked), []
    if layout == "objects":
        stored, reading.content_hash = files.content(looked)
        text = stored.decode("utf-8", "backslashreplace").removeprefix("\ufeff")
        rows = [(line, value) for line, value, _ in _values(text, reading, is_finished)]
    else:
        found = list(lines.batches(looked, reading, is_value, is_finished))
        if found:
            return layout, pa.concat_tables(found)
    numbers, texts = zip(*rows, strict=True) if rows else ((), ())
    return layout, pa.table(
        {"line_number": pa.array(numbers, pa.int64()), "text": pa.array(texts, pa.string())}
    )


def are_lines(looked: Snapshot) -> bool:
    """Whether a file holds an object, or an array of them, in each line."""
    return looked.kind == "text" and _layout(looked) == "lines"


def is_value(line: str, previous: str | None) -> bool:
    """Whether a last line without a line end is whole: an object or array that closes cannot go on."""
    try:
        return isinstance(json.loads(line), dict | list)
    except (ValueError, RecursionError):
        return False


def holds_any(looked: Snapshot) -> bool:
    """Whether one of the first lines of a text is a JSON object, though others may be none."""
    if looked.kind != "text":
        return False
    with files.opened(looked) as stream:
        lines = files.start_of(stream).splitlines()[:20]
    return any(line.lstrip().startswith("{") and is_value(line, None) for line in lines)


def _layout(looked: Snapshot) -> str:
    """'lines', 'array' (the whole file is one) or 'objects' (over several lines), by the file's beginning."""
    with files.opened(looked) as stream:
        head = files.start_of(stream).removeprefix("\ufeff").lstrip()
    first, _, rest = head.partition("\n")
    if head.startswith("["):
        return "lines" if rest.strip() and is_value(first, None) else "array"
    if not head.startswith("{") or is_value(first, None):
        return "lines"
    try:
        json.JSONDecoder().raw_decode(head)
    except ValueError as error:
        # a text that breaks off is an object that goes on; any other error is a bad first line
        return "objects" if _breaks_off(head, error) and "\n" in head.strip() else "lines"
    return "objects"


def _breaks_off(text: str, error: ValueError) -> bool:
    """Whether a JSON text is good as far as it goes."""
    place = getattr(error, "pos", 0)
    is_at_end = place >= len(text.rstrip()) - len("\\u0000")  # an escape may be cut too
    return is_at_end or "Unterminated string" in str(error)


# Arrays -------------------------------------------------------------------------------------------


def _batches_of_array(
    con: duckdb.DuckDBPyConnection, looked: Snapshot, reading: Reading, is_kept: bool
) -> Iterator[None]:
    """Batches of the elements of an array that is the whole file; line_number is their place from 1."""
    stored, reading.content_hash = files.content(looked)
    try:
        con.execute(
            "create or replace temp table elements as"
            " select row_number() over () as line_number, element::varchar as text"
            " from (select unnest(from_json($text, '[\"JSON\"]')) as element)",
            {"text": stored.decode("utf-8-sig")},
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
    for first in range(0, total, _LINES_AT_ONCE):
        con.execute(
            "create or replace temp view lines as select * from elements"
            f" where line_number > {first} and line_number <= {first + _LINES_AT_ONCE}"
        )
        _part(con)
        write_batch(con, is_kept)
        yield
        con.execute("drop view lines")
    con.execute("drop table elements")
    reading.lines_done = total


# Objects over several lines -----------------------------------------------------------------------


def _batches_of_objects(
    con: duckdb.DuckDBPyConnection, looked: Snapshot, reading: Reading, is_finished: bool, is_kept: bool
) -> Iterator[None]:
    """Batches of the objects (or arrays) that follow one another, whatever the line ends between them."""
    stored, reading.content_hash = files.content(looked)
    text = stored.decode("utf-8", "backslashreplace").removeprefix("\ufeff")
    rows = []
    for line, value, is_good in _values(text, reading, is_finished or looked.is_packed):
        rows.append((line, value, value if is_good else None))
        if len(rows) >= _LINES_AT_ONCE:
            yield from _batch_of_rows(con, rows, is_kept)
            rows = []
    if rows:
        yield from _batch_of_rows(con, rows, is_kept)


def _values(text: str, reading: Reading, is_finished: bool) -> Iterator[tuple[int, str, bool]]:
    """Each JSON value of a text with the line it begins at; what is no value runs to the next that may be.

    A last value that breaks off waits for its rest, with a sentence, unless the file is finished.
    """
    decoder, place, line = json.JSONDecoder(), 0, 1
    while place < len(text):
        begin = re.compile(r"[\s,]*").match(text, place).end()
        line += text.count("\n", place, begin)
        if begin >= len(text):
            break
        try:
            _, end = decoder.raw_decode(text, begin)
            is_good = True
        except (ValueError, RecursionError) as error:
            if not is_finished and isinstance(error, ValueError) and _breaks_off(text, error):
                reading.is_open, reading.open_line = True, None
                reading.trouble = (
                    f"line {line}: the JSON object that begins there has not ended yet; it is read when the"
                    " rest of it has come, or when the file has been still for an hour"
                )
                return
            following = re.compile(r"^[\[{]", re.MULTILINE).search(text, begin + 1)
            end, is_good = following.start() if following else len(text), False
        yield line, text[begin:end].rstrip(), is_good
        line += text.count("\n", begin, end)
        reading.lines_done = line
        place = end


def _batch_of_rows(con: duckdb.DuckDBPyConnection, rows: list[tuple], is_kept: bool) -> Iterator[None]:
    names, types = ("line_number", "text", "value"), (pa.int64(), pa.string(), pa.string())
    arrays = [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), types, strict=True)]
    con.register("lines", pa.table(arrays, names=list(names)))
    _part(con)
    write_batch(con, is_kept, _TORN_OBJECT)
    yield


# Parts and their canonical form -------------------------------------------------------------------


def _part(con: duckdb.DuckDBPyConnection) -> None:
    """View `parts(line_number, text, value)` of `lines`; value is a JSON object, NULL if there is none.

    Blank lines are no records. Where every line is an object, as they nearly always are, one look at the
    keys tells it and nothing is copied. Leaves `shapes`, the key lists of all records.
    """
    con.execute("drop view if exists parts")
    _shape(con, "lines", "text")
    [(others,)] = con.execute("select count(*) from shapes where keys is null or keys = []").fetchall()
    if not others:
        con.execute("create temp view parts as select line_number, text, text as value from lines")
        return
    con.execute("""
        create or replace temp table valued as
        select line_number, text, case when json_valid(text) then text end as value
        from lines where trim(text, ' \t\r\n') <> ''""")
    _mend_surrogates(con)
    _unfold(con)
    _shape(con, "parts", "value")


def _shape(con: duckdb.DuckDBPyConnection, rows: str, text: str) -> None:
    """Temp table `shapes(keys, is_deep, has_null)`: keys NULL is no JSON, [] no object or an empty one.

    `is_deep`: some of these records hold an object in the object, or a text that might be one; `has_null`:
    some hold a null, or such a word. Key lists are told apart as texts, in half the time; only lists that
    hold the sign between could be taken for one another, and those are odd whichever of them is given.
    """
    con.execute(f"""
        create or replace temp table shapes as
        select any_value(keys) as keys, bool_or(is_deep) as is_deep, bool_or(has_null) as has_null
        from (
            select try(json_keys({text})) as keys, {_DEEP.format(text)} as is_deep,
                contains({text}, 'null') as has_null
            from {rows})
        group by array_to_string(keys, chr(31)), len(keys)""")


def _mend_surrogates(con: duckdb.DuckDBPyConnection) -> None:
    """Half a pair of surrogates, as a form that cuts an emoji in two leaves it, becomes U+FFFD.

    It is a character in no encoding; browsers show it so too.
    """
    broken = con.execute(
        "select distinct text from valued where value is null and contains(lower(text), '\\ud')"
    ).fetchall()
    for (text,) in broken:
        con.execute(
            "update valued set value = $mended where text = $text and json_valid($mended)",
            {"mended": _LONE_SURROGATE.sub(r"\1\\ufffd", text), "text": text},
        )


def _unfold(con: duckdb.DuckDBPyConnection) -> None:
    """View `parts` of `valued`: each element of an array has its own row; what is no object has no value."""
    con.execute("""
        create temp view parts as
        with unfolded as (
            select line_number, element::varchar as text, element::varchar as value
            from (
                select line_number, unnest(from_json(value, '["JSON"]')) as element
                from valued where json_type(value) = 'ARRAY'
            )
            union all
            select line_number, text, value from valued
            where value is null or json_type(value) <> 'ARRAY'
        )
        select line_number, text, case when json_type(value) = 'OBJECT' then value end as value
        from unfolded""")


def write_batch(con: duckdb.DuckDBPyConnection, is_kept: bool, fault: str = _NO_RECORD) -> None:
    """`batch` from `parts`, as a table or (not `is_kept`) as a view that is read while `lines` are there.

    The keys of all rows are sorted once, and each row is written out of what it has of them; that is some
    six times the speed of sorting every row. Rows whose keys cannot be named so are sorted one by one.
    """
    keys, is_odd, is_deep, is_full = _keys(con)
    deep = "true" if is_odd else _DEEP.format("value")
    ordered = (is_odd or is_deep) and _sort_deep(con, deep)
    found, written = ("null", "'{}'") if is_odd or not keys else _written_by(keys, _always(con), is_full)
    joined = ""
    if ordered:
        written = f"case when {deep} then ordered else {written} end"
        joined = "left join deep using (value)"
    con.execute(f"""
        create or replace temp {"table" if is_kept else "view"} batch as
        with found as (
            select line_number, text, value, {"ordered," if ordered else ""} {found} as found
            from parts {joined}
        ),
        written as (
            select line_number, text, value,
                case when value is not null then {written} end as payload
            from found
        )
        select line_number, text, payload, {"payload" if is_kept else "value"} as fields,
            if(payload is null, '{fault}', null) as fault
        from written""")


def drop_batch(con: duckdb.DuckDBPyConnection) -> None:
    """Drops `batch`, whether it is a view or a table; nothing happens if it is not there."""
    views = con.execute("select 1 from duckdb_views() where view_name = 'batch' and temporary").fetchall()
    con.execute(f"drop {'view' if views else 'table'} if exists batch")


def _keys(con: duckdb.DuckDBPyConnection) -> tuple[list[str], bool, bool, bool]:
    """The sorted keys of all rows of `parts`, whether they cannot be written so, whether some are deep.

    And whether no value is null and no two keys differ in capitals only, so that a struct can hold them.
    """
    shapes = con.execute("select keys, is_deep, has_null from shapes where keys is not null").fetchall()
    keys = sorted({key for shape, *_ in shapes for key in shape})
    is_odd = (
        len(keys) > _COLUMNS_AT_MOST
        or any(len(set(shape)) < len(shape) for shape, *_ in shapes)
        or any(not key or _ODD_KEY.search(key) for key in keys)
    )
    is_full = not any(has_null for *_, has_null in shapes) and len({key.lower() for key in keys}) == len(keys)
    return keys, is_odd, any(is_deep for _, is_deep, _ in shapes), is_full


def _always(con: duckdb.DuckDBPyConnection) -> set[str]:
    """The keys that every object of `parts` has."""
    shapes = con.execute("select keys from shapes where keys is not null").fetchall()
    return set.intersection(*(set(keys) for (keys,) in shapes)) if shapes else set()


def _written_by(keys: list[str], always: set[str], is_full: bool) -> tuple[str, str]:
    """SQL of what `value` has under these keys, and of the object `found` written in their order.

    A struct takes two thirds of the time of a list, but cannot tell a null from what is not there. Around a
    key that is `always` there the commas are known, so that the members need no joining; such a member is
    not made by itself either.
    """
    if is_full:
        types = ", ".join(f'"{key}": "JSON"'.replace("'", "''") for key in keys)
        found, values = f"json_transform(value, '{{{types}}}')", [f'found."{key}"' for key in keys]
    else:
        paths = ", ".join(f"""'$."{key}"'""" for key in keys)
        found = f"json_extract(value, [{paths}])"
        values = [f"found[{place}]" for place in range(1, len(keys) + 1)]
    if not always:
        members = ", ".join(f"""'"{key}":' || {text}""" for key, text in zip(keys, values, strict=True))
        return found, f"'{{' || concat_ws(',', {members}) || '}}'"
    first, parts = keys.index(min(always)), ["'{'"]
    for place, (key, text) in enumerate(zip(keys, values, strict=True)):
        before, after = (",", "") if place > first else ("", "," if place < first else "")
        if key in always:
            parts += [f"""'{before}"{key}":'""", text]
        else:
            parts.append(f"""'{before}"{key}":' || {text}{f" || '{after}'" if after else ""}""")
    return found, f"""concat({", ".join([*parts, "'}'"])})"""


def _sort_deep(con: duckdb.DuckDBPyConnection, deep: str) -> bool:
    """Registers `deep(value, ordered)`: objects that hold objects, in order, each text once."""
    found = con.execute(
        f"select distinct value, json(value) from parts where value is not null and {deep}"
    ).fetchall()
    if found:
        values = pa.array([value for value, _ in found], pa.string())
        ordered = pa.array([json_order.sorted_text(text) for _, text in found], pa.string())
        con.register("deep", pa.table({"value": values, "ordered": ordered}))
    return bool(found)
