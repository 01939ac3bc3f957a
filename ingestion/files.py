"""The files of the landing folder: found, told apart, read in batches.

    landing/<source>/<stream...>/file -> Found -> Snapshot (the bytes up to the size seen at the start) ->
    batches

A batch is an Arrow table of lines (`line_number, text`); what a line means is the source's business.
"""

import gzip
import hashlib
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

BLOCK = 32 * 1024 * 1024
"""Bytes read at a time: about 130,000 lines of an access log."""

_LINES_A_THREAD = 8192  # DuckDB gives a thread one chunk of an Arrow table at a time
_HALF_SENT = (".part", ".tmp", ".crdownload", ".filepart")
_MAPPING = "columns.yml"  # says how to read the lists beside it, and is none
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # XLSX is a ZIP, XLS an OLE document


class Unreadable(Exception):
    """A file that cannot be read at all; the message is a sentence that says what to mend."""


@dataclass(frozen=True)
class Found:
    """A file of the landing folder: its source (None: told by content), stream, path below landing."""

    source: str | None
    stream: str
    path: str
    file: Path


def find(landing: Path, sources: tuple[str, ...]) -> Iterator[Found | str]:
    """Every file below `landing` in the order of its path; for what is no file, a sentence.

    Left out: dot files, Office's lock files (`~$`) and files still being sent (`.part`, `.tmp`).
    """
    yield from _walk(landing, landing, sources, frozenset())


def _walk(
    folder: Path, landing: Path, sources: tuple[str, ...], above: frozenset[str]
) -> Iterator[Found | str]:
    real = os.path.realpath(folder)
    if real in above:
        yield f"{_shown(folder, landing)} links back to a folder above it: remove the link"
        return
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        yield f"{_shown(folder, landing)} cannot be opened ({error.strerror}): let this user read the folder"
        return
    for entry in entries:
        if entry.name.startswith((".", "~$")) or entry.name.endswith(_HALF_SENT) or entry.name == _MAPPING:
            continue
        if entry.is_dir():
            if entry.suffix in (".csv", ".xlsx", ".json", ".jsonl", ".log", ".gz"):
                shown = _shown(entry, landing)
                yield f"{shown} is a folder where a file is expected: put the file itself there"
            yield from _walk(entry, landing, sources, above | {real})
        else:
            yield _file(entry, landing, sources)


def _shown(entry: Path, landing: Path) -> str:
    return entry.relative_to(landing).as_posix().encode("utf-8", "backslashreplace").decode()


def _file(entry: Path, landing: Path, sources: tuple[str, ...]) -> Found | str:
    shown = _shown(entry, landing)
    try:
        if not stat.S_ISREG(entry.stat().st_mode):
            return f"{shown} is a device or pipe, not a file: put a file there"
    except OSError as error:
        what = (
            "is a link to a file that is not there"
            if entry.is_symlink()
            else f"cannot be read ({error.strerror})"
        )
        return f"{shown} {what}: put the file itself there"
    first, *rest = shown.split("/")
    if first in sources and rest:
        return Found(first, "/".join(rest[:-1]), shown, entry)
    return Found(None, "", shown, entry)


@dataclass
class Snapshot:
    """A file as it was when first looked at: later growth is left for the next time."""

    found: Found
    size: int
    modified_ns: int
    is_packed: bool
    kind: str  # 'workbook', 'array' or 'text'
    starts_json: bool = False  # a text whose first sign opens an object

    @property
    def file(self) -> Path:
        """Where the bytes are."""
        return self.found.file


def snapshot(found: Found) -> Snapshot:
    """Looks at a file once: its size, time and kind by its first bytes. Raises Unreadable with the mend."""
    try:
        facts = found.file.stat()
        with found.file.open("rb") as stream:
            head = stream.read(4)
            looked = Snapshot(found, facts.st_size, facts.st_mtime_ns, head[:2] == b"\x1f\x8b", "text")
        looked.kind = _kind(looked) if looked.size else "text"
    except OSError as error:
        raise Unreadable(
            f"cannot be read ({error.strerror or error}): let this user read the file"
        ) from error
    return looked


def _kind(looked: Snapshot) -> str:
    with opened(looked) as stream:
        head = _read(stream, 65536)
    if head[:4] in _WORKBOOKS:
        return "workbook"
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "text"
    if b"\0" in head:
        raise Unreadable("is not text but some other kind of file: export it as CSV, XLSX, JSON or a log")
    sign = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    looked.starts_json = sign == b"{"
    return "array" if sign == b"[" else "text"


class _Limited:
    """The first `size` bytes of a stream, hashed on their way."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self.stream, self.left, self.hash = stream, size, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """At most `size` of the bytes that are left."""
        block = self.stream.read(self.left if size < 0 else min(size, self.left))
        self.left -= len(block)
        self.hash.update(block)
        return block


@dataclass
class Opened:
    """A stream of a file's (unpacked) bytes that knows the hash of the stored bytes when it has ended."""

    stored: _Limited
    stream: BinaryIO | _Limited
    handle: BinaryIO

    def __enter__(self) -> "Opened":
        return self

    def __exit__(self, *_: object) -> None:
        self.handle.close()

    def digest(self) -> str:
        """Hash of the stored bytes, whatever is left of them read first."""
        while self.stored.read(BLOCK):
            pass
        return self.stored.hash.hexdigest()


def opened(looked: Snapshot) -> Opened:
    """Opens the snapshot's bytes, unpacking gzip."""
    handle = looked.file.open("rb")
    stored = _Limited(handle, looked.size)
    return Opened(stored, gzip.GzipFile(fileobj=stored) if looked.is_packed else stored, handle)


def _read(opened_file: Opened, size: int) -> bytes:
    """Reads a block; a broken gzip becomes a sentence."""
    try:
        return opened_file.stream.read(size)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Unreadable("is a gzip that ends too early or is damaged: send the whole file again") from error


def start_of(stream: Opened) -> str:
    """The first lines of a text, for telling what it is."""
    return _read(stream, 65536).decode("utf-8", "replace")


def digests(looked: Snapshot, at: int) -> tuple[str | None, str]:
    """Hash of the first `at` stored bytes (None if there are fewer) and of all."""
    with looked.file.open("rb") as handle:
        stored = _Limited(handle, looked.size)
        before = None
        if at <= looked.size:
            while at and (block := stored.read(min(BLOCK, at))):
                at -= len(block)
            before = stored.hash.hexdigest()
        while stored.read(BLOCK):
            pass
        return before, stored.hash.hexdigest()


def byte_at(looked: Snapshot, place: int) -> bytes:
    """The stored byte at `place`."""
    with looked.file.open("rb") as handle:
        handle.seek(place)
        return handle.read(1)


def content(looked: Snapshot) -> tuple[bytes, str]:
    """All unpacked bytes of a small file and the hash of its stored bytes."""
    with opened(looked) as stream:
        blocks = list(iter(lambda: _read(stream, BLOCK), b""))
        return b"".join(blocks), stream.digest()


def check_packed(looked: Snapshot) -> None:
    """Reads a gzip to its end, so that a damaged one fails before any line of it is taken."""
    if looked.is_packed:
        with opened(looked) as stream:
            while _read(stream, BLOCK):
                pass


@dataclass
class Reading:
    """What is known when a file has been read: its hash, the last line, whether its end may still move."""

    content_hash: str = ""
    lines_done: int = 0
    is_open: bool = False
    open_line: int | None = None
    trouble: str | None = None
    notes: list[str] = field(default_factory=list)


def lines(
    looked: Snapshot, reading: Reading, is_complete: Callable[[str, str | None], bool], is_finished: bool
) -> Iterator[pa.Table]:
    """Batches of `line_number, text` of a text file; `reading` is filled as the lines go by.

    A last line without a line end is given if it is certainly whole (`is_complete(line, line before)`), if
    the file is packed or if it `is_finished`; else it is left for the next time, with a sentence.
    """
    with opened(looked) as stream:
        rest, previous = b"", None
        while block := _read(stream, BLOCK):
            whole, end, rest = (rest + block).rpartition(b"\n")
            if end:
                texts = _texts(whole)
                yield _batch(texts, reading)
                previous = texts[-1]
        if rest.strip():
            last = _texts(rest)[0]
            reading.is_open = not looked.is_packed
            if looked.is_packed or is_finished or is_complete(last, previous):
                yield _batch([last], reading)
                reading.open_line = reading.lines_done if reading.is_open else None
            else:
                reading.trouble = (
                    f"line {reading.lines_done + 1} has no line end yet: it is read when the rest of it"
                    f" has come,"
                    " or when the file has been still for an hour"
                )
        reading.content_hash = stream.digest()


def _texts(block: bytes) -> list[str]:
    """Lines of a block; bytes that are not UTF-8 are kept as `\\xhh`, as a web server writes them."""
    text = block.decode("utf-8", "backslashreplace")
    return [line.removesuffix("\r") for line in text.split("\n")] if "\r" in text else text.split("\n")


def _batch(texts: list[str], reading: Reading) -> pa.Table:
    first = reading.lines_done + 1
    if first == 1:
        texts[0] = texts[0].removeprefix("\ufeff")
    reading.lines_done += len(texts)
    numbers = pa.array(range(first, first + len(texts)), pa.int64())
    lines = pa.table({"line_number": numbers, "text": pa.array(texts, pa.string())})
    return pa.Table.from_batches(lines.to_batches(max_chunksize=_LINES_A_THREAD), lines.schema)
