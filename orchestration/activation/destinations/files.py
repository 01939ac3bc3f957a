"""CSV file in a folder of its own: the whole set of allowed rows -> one file, replaced in one step.

The file is a mirror of the rows we own, sorted by key, so the same rows give the same bytes whatever happened
before: a crash leaves the old file or the new one, never a half. UTF-8 with BOM, so that Excel in Japan reads
it.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from orchestration.activation.configuration import Sync
from orchestration.activation.destinations import (
    Answer,
    Destination,
    Guarantee,
    Message,
    NotConfigured,
    Outcome,
    Seen,
    json_value,
)

# A spreadsheet runs a cell that starts with one of these (OWASP, "CSV Injection"; the wide forms count too).
_FORMULA_STARTS = tuple("=+-@＝＋－＠")


class Files(Destination):
    """One CSV file. Class A: the key is unique in it, and writing it again changes nothing."""

    guarantee: ClassVar = Guarantee(
        "A", "exactly once by key; the file is the whole set, replaced in one step"
    )
    modes: ClassVar = frozenset({"mirror"})
    ownerships: ClassVar = frozenset({"overwrite"})  # the whole file is ours, there is nothing to fill around
    needed_options: ClassVar = frozenset({"file"})
    reads_by_key: ClassVar = True
    rows_per_call: ClassVar = None

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path, self.columns = path, ["key", *columns]

    @classmethod
    def open(cls, sync: Sync, out_dir: Path, secrets: Mapping[str, str]) -> Files:
        """Names the file below `out_dir`. Raises NotConfigured when the option leads out of it."""
        relative = PurePosixPath(str(sync.options["file"]))
        if relative.is_absolute() or ".." in relative.parts or relative.suffix != ".csv":
            raise NotConfigured(
                f"{sync.path}: options.file is a .csv below the output folder, not '{relative}'."
            )
        return cls(out_dir / relative, [field.name for field in sync.sent_fields])

    def send(self, messages: Sequence[Message], whole: Callable[[], Sequence[Message]]) -> list[Answer]:
        """Replaces the file by the whole set; all messages share its fate."""
        try:
            write_atomically(self.path, self._bytes(whole()))
        except OSError as error:
            # The old file stands until the rename, and a rename that fails did not happen.
            text = f"{self.path.name} cannot be written ({error.strerror})"
            return [Answer(Outcome.UNREACHED, error_class="not_writable", text=text) for _ in messages]
        return [Answer(Outcome.ACKED, remote_id=self.path.name) for _ in messages]

    def read(self, keys: Sequence[str] | None) -> Mapping[str, str]:
        """key -> fingerprint of its line. A file that is not there, or not ours any more, has no rows."""
        return {cells[0]: _hash(cells) for cells in self._lines()}

    def look(self) -> Mapping[str, Seen]:
        """key -> its line and its cells."""
        return {cells[0]: Seen(_hash(cells), self._by_cell(cells), self.path.name) for cells in self._lines()}

    def field_fingerprints(self, message: Message) -> Mapping[str, str]:
        """Column -> hash of the cell that this message makes."""
        return self._by_cell(self._cells(message))

    def _by_cell(self, cells: Sequence[str]) -> dict[str, str]:
        return {name: _hash([cell]) for name, cell in zip(self.columns[1:], cells[1:], strict=False)}

    def _lines(self) -> list[list[str]]:
        try:
            text = self.path.read_bytes().decode("utf-8-sig", errors="replace")
        except FileNotFoundError:
            return []
        lines = list(csv.reader(io.StringIO(text, newline="")))
        return [cells for cells in lines[1:] if cells] if lines and lines[0] == self.columns else []

    def fingerprint(self, message: Message) -> str:
        """Hash of the cells that this message makes."""
        return _hash(self._cells(message))

    def _cells(self, message: Message) -> list[str]:
        values = [message.fields.get(name) for name in self.columns[1:]]
        return [_cell(message.key), *map(_cell, values)]

    def _bytes(self, messages: Sequence[Message]) -> bytes:
        page = io.StringIO(newline="")
        writer = csv.writer(page, lineterminator="\r\n")  # RFC 4180
        writer.writerow(self.columns)
        writer.writerows(
            self._cells(message) for message in sorted(messages, key=lambda message: message.key)
        )
        return page.getvalue().encode("utf-8-sig")


def _cell(value: Any) -> str:
    """One cell as text. What a spreadsheet would run gets a leading apostrophe; numbers are left alone."""
    value = json_value(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if isinstance(value, str) and (
        text.lstrip().startswith(_FORMULA_STARTS) or text[:1] in ("\t", "\r", "\n")
    ):
        return "'" + text
    return text


def _hash(cells: Sequence[str]) -> str:
    return hashlib.sha256("\x1f".join(cells).encode()).hexdigest()[:32]


def write_atomically(path: Path, content: bytes) -> None:
    """Writes beside, fsyncs, renames, fsyncs the folder: also after a power cut the file is old or new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.partial")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
