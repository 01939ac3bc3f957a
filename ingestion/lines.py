"""A text file -> batches of its lines: Arrow tables of `line_number, text`.

Bytes are read in blocks, each while the batch before is worked on; the lines of a block are not made one by
one. What a line means is the source's business.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa

from ingestion import files
from ingestion.files import Reading, Snapshot

LINES_AT_ONCE = 122_880
"""Lines of a batch: a row group of DuckDB, so that batches become row groups that need no rewriting."""
BYTES_AT_ONCE = 2 * 1024 * 1024
"""Bytes of a block: what a processor keeps near it is hashed, looked at and cut while it is there."""

_LINES_A_THREAD = 8192  # DuckDB gives a thread one chunk of an Arrow table at a time


def batches(
    looked: Snapshot,
    reading: Reading,
    is_complete: Callable[[str, str | None], bool],
    is_finished: bool,
    *,
    is_ahead: bool = True,
) -> Iterator[pa.Table]:
    """Batches of `line_number, text` of a text file; `reading` is filled as the lines go by.

    A last line without a line end is given if it is certainly whole (`is_complete(line, line before)`), if
    the file is packed or if it `is_finished`; else it is left for the next time, with a sentence. A large
    file is read ahead of the batch that is worked on, unless the caller says otherwise.
    """
    found = _lines(looked, reading, is_complete, is_finished)
    return _ahead(found) if is_ahead and looked.size > files.BLOCK else found


def _ahead(batches: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same batches, each read while its user is busy with the one before."""
    with ThreadPoolExecutor(1) as reader:
        following = reader.submit(next, batches, None)
        while (batch := following.result()) is not None:
            following = reader.submit(next, batches, None)
            yield batch


def _lines(
    looked: Snapshot,
    reading: Reading,
    is_complete: Callable[[str, str | None], bool],
    is_finished: bool,
) -> Iterator[pa.Table]:
    with files.opened(looked) as stream:
        rest, previous = b"", None
        waiting: list[pa.Table] = []
        while block := files.read(stream, BYTES_AT_ONCE):
            whole, rest = _cut(rest + block)
            if whole:
                waiting.append(_batch(_texts(whole), reading))
                previous = waiting[-1]["text"][-1].as_py()
                waiting, full = _full(waiting, LINES_AT_ONCE)
                yield from full
        if waiting:
            yield _chunked(pa.concat_tables(waiting))
        if rest.strip():
            last = _texts(rest + b"\n")[0].as_py()
            reading.is_open = not looked.is_packed
            if looked.is_packed or is_finished or is_complete(last, previous):
                yield _batch(pa.array([last], pa.string()), reading)
                reading.open_line = reading.lines_done if reading.is_open else None
            else:
                reading.trouble = (
                    f"line {reading.lines_done + 1} has no line end yet: it is read when the rest of it"
                    f" has come,"
                    " or when the file has been still for an hour"
                )
        reading.content_hash = stream.digest()


def _cut(block: bytes) -> tuple[bytes, bytes]:
    """The whole lines of a block, with their line ends, and the beginning of the next."""
    end = block.rfind(b"\n") + 1
    return (block, b"") if end == len(block) else (block[:end], block[end:])


def _texts(block: bytes) -> pa.Array:
    """Lines of a block that ends with a line end; bytes that are not UTF-8 are kept as `\\xhh`, as a web
    server writes them.

    The lines are not made one by one: Arrow takes the bytes without the line ends and the places between.
    """
    if not _is_utf8(block):
        block = block.decode("utf-8", "backslashreplace").encode()
    signs = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(signs == 10)
    removed = np.arange(1, len(ends) + 1)
    if b"\r" in block:
        has_return = (ends > 0) & (signs[ends - 1] == 13)
        removed += np.cumsum(has_return)
        block = block.replace(b"\r\n", b"\n")
    offsets = np.zeros(len(ends) + 1, np.int32)
    offsets[1:] = ends + 1 - removed
    letters = pa.py_buffer(block.replace(b"\n", b""))
    return pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), letters)


def _is_utf8(block: bytes) -> bool:
    try:
        return block.isascii() or bool(block.decode())
    except UnicodeDecodeError:
        return False


def _batch(texts: pa.Array, reading: Reading) -> pa.Table:
    first = reading.lines_done + 1
    if first == 1 and (start := texts[0].as_py()).startswith("\ufeff"):
        texts = pa.concat_arrays([pa.array([start[1:]], pa.string()), texts[1:]])
    reading.lines_done += len(texts)
    numbers = pa.array(np.arange(first, first + len(texts)), pa.int64())
    return pa.table({"line_number": numbers, "text": texts})


def _full(waiting: list[pa.Table], at_once: int) -> tuple[list[pa.Table], list[pa.Table]]:
    """The lines as batches of `at_once`, and what is left for the next."""
    lines = pa.concat_tables(waiting)
    ends = range(at_once, lines.num_rows + 1, at_once)
    full = [_chunked(lines.slice(end - at_once, at_once)) for end in ends]
    rest = lines.slice(len(full) * at_once)
    return ([rest] if rest.num_rows else []), full


def _chunked(lines: pa.Table) -> pa.Table:
    return pa.Table.from_batches(lines.to_batches(max_chunksize=_LINES_A_THREAD), lines.schema)
