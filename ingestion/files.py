"""The files of the landing folder: found, told apart, unpacked.

landing/<source>/<stream...>/file -> Found -> Snapshot (the bytes up to the size seen at the start)
    -> Opened (a stream of unpacked bytes that knows the hash of the stored ones)
"""

import bz2
import gzip
import hashlib
import os
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

import pyarrow as pa

BLOCK = 16 * 1024 * 1024
"""Bytes read at a time."""

_HALF_SENT = (".part", ".tmp", ".crdownload", ".filepart")
SETTINGS = ("columns.yml", "events.yml", "format.yml")  # say how to read the files beside them
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # XLSX is a ZIP, XLS an OLE document


class Unreadable(Exception):
    """A file that cannot be read at all; the message is a sentence that says what to mend."""


class Remote(Protocol):
    """A file that lies elsewhere: its size and time are known, its bytes are fetched when they are needed."""

    size: int
    modified_ns: int

    def fetch(self, to: Path) -> None:
        """Copies the file to a local place."""


@dataclass(frozen=True)
class Found:
    """A file of the landing folder: its source (None: told by content), stream, path below landing.

    `file` is where its bytes are; of a remote one, where they will be.
    """

    source: str | None
    stream: str
    path: str
    file: Path
    remote: "Remote | None" = None

    def beside(self, name: str) -> Path | None:
        """The settings of this name nearest to the file: in its folder or one above it in its source."""
        folder = self.file.parent
        for _ in range(1 + len(self.stream.split("/")) if self.stream else 1):
            if (settings := folder / name).is_file():
                return settings
            folder = folder.parent
        return None


def find(landing: Path, sources: tuple[str, ...]) -> Iterator[Found | str]:
    """Every file below `landing` in the order of its path; for what is no file, a sentence.

    Left out: dot files, Office's lock files (`~$`) and files still being sent (`.part`, `.tmp`).
    """
    yield from _walk(landing, landing, sources, frozenset())


def is_left_out(name: str) -> bool:
    """Whether a file or folder of this name is no data: hidden, an editor's, half sent, or settings."""
    return name.startswith((".", "~$")) or name.endswith(_HALF_SENT) or name in SETTINGS


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
        if is_left_out(entry.name):
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
    packing: str | None = None  # 'gzip', 'bzip2' or 'zstd'
    kind: str = "text"  # or 'workbook' or 'array'
    starts_json: bool = False  # a text whose first sign opens an object

    @property
    def is_packed(self) -> bool:
        """Whether the file is compressed; such a file is whole when it can be unpacked to its end."""
        return self.packing is not None

    @property
    def file(self) -> Path:
        """Where the bytes are."""
        return self.found.file


def facts(found: Found) -> Snapshot:
    """A file's size and time, without opening it. Raises Unreadable with the mend."""
    if found.remote:
        return Snapshot(found, found.remote.size, found.remote.modified_ns)
    try:
        known = found.file.stat()
    except OSError as error:
        raise Unreadable(
            f"cannot be read ({error.strerror or error}): let this user read the file"
        ) from error
    return Snapshot(found, known.st_size, known.st_mtime_ns)


def fetch(looked: Snapshot) -> Snapshot:
    """Brings a remote file here, unless it is here; a local one stays where it is. Raises Unreadable."""
    if looked.found.remote and not looked.file.exists():
        try:
            looked.found.remote.fetch(looked.file)
        except Exception as error:  # every kind of filesystem has errors of its own
            why = str(error).partition("\n")[0]
            raise Unreadable(f"cannot be fetched ({why}): it is tried again in the next run") from error
    return looked


def let_go(found: Found) -> None:
    """Removes the local copy of a remote file."""
    if found.remote:
        found.file.unlink(missing_ok=True)


def look(looked: Snapshot) -> Snapshot:
    """Opens a file and tells its packing and kind by its first bytes. Raises Unreadable with the mend."""
    fetch(looked)
    try:
        with looked.file.open("rb") as stream:
            head = stream.read(4)
        looked.packing = next((name for sign, name in _PACKINGS.items() if head.startswith(sign)), None)
        looked.kind = _kind(looked) if looked.size else "text"
    except OSError as error:
        raise Unreadable(
            f"cannot be read ({error.strerror or error}): let this user read the file"
        ) from error
    return looked


def snapshot(found: Found) -> Snapshot:
    """Looks at a file once: its size, time and kind by its first bytes. Raises Unreadable with the mend."""
    return look(facts(found))


def _kind(looked: Snapshot) -> str:
    with opened(looked) as stream:
        head = read(stream, 65536)
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
        self.closed = False  # what reads packed bytes asks for it

    def readable(self) -> bool:
        """Always."""
        return True

    def close(self) -> None:
        """Nothing: who opened the stream closes it."""

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
    packing: str | None = None

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
    """Opens the snapshot's bytes, unpacking gzip, bzip2 and zstd."""
    handle = looked.file.open("rb")
    stored = _Limited(handle, looked.size)
    return Opened(stored, _unpacked(stored, looked.packing), handle, looked.packing)


_PACKINGS = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "zstd"}


def _unpacked(stored: "_Limited", packing: str | None) -> "BinaryIO | _Limited":
    if packing == "gzip":
        return gzip.GzipFile(fileobj=stored)
    if packing == "bzip2":
        return bz2.BZ2File(stored)
    return pa.CompressedInputStream(pa.PythonFile(stored, "r"), "zstd") if packing == "zstd" else stored


def read(opened_file: Opened, size: int) -> bytes:
    """The next bytes, at most `size`; broken packing becomes a sentence (Unreadable)."""
    try:
        return opened_file.stream.read(size)
    except (EOFError, gzip.BadGzipFile, zlib.error, OSError) as error:
        if isinstance(error, OSError) and error.errno and not isinstance(error, gzip.BadGzipFile):
            raise  # the disk's trouble, not the packing's
        raise Unreadable(
            f"is a {opened_file.packing} file that ends too early or is damaged: send the whole file again"
        ) from error


def start_of(stream: Opened) -> str:
    """The first lines of a text, for telling what it is."""
    return read(stream, 65536).decode("utf-8", "replace")


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
        blocks = list(iter(lambda: read(stream, BLOCK), b""))
        return b"".join(blocks), stream.digest()


def check_packed(looked: Snapshot) -> None:
    """Reads a packed file to its end, so that a damaged one fails before any line of it is taken."""
    if looked.is_packed:
        with opened(looked) as stream:
            while read(stream, BLOCK):
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
    settings_hash: str = ""
