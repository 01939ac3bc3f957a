"""Entries by day: gathered in any order, kept in memory while few and on disk when many, read back in time.

What is large (web log lines, mail events) goes through here, so that the length of the world costs disk and
not memory. Entries are plain tuples that begin with their moment; the second field settles ties.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from .clock import local_day

_AT_ONCE = 120_000  # entries held in memory, about 60 MB of log lines


class Spill:
    """Tuples `(moment, key, ...)` of strings, numbers, booleans and None, by their day at +09:00.

    Args:
        folder: where days that do not fit in memory wait; made when first needed, emptied by the caller.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[date, list[tuple[Any, ...]]] = {}
        self._count = 0
        self._stored: set[date] = set()

    def add(self, entry: tuple[Any, ...]) -> None:
        """Take one entry."""
        self._held.setdefault(local_day(entry[0]), []).append(entry)
        self._count += 1
        if self._count >= _AT_ONCE:
            self._store()

    def _store(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for day, entries in self._held.items():
            with (self._folder / day.isoformat()).open("ab") as file:
                marshal.dump(entries, file)
        self._stored |= self._held.keys()
        self._held, self._count = {}, 0

    def days(self) -> Iterator[tuple[date, list[tuple[Any, ...]]]]:
        """Each day that has entries, in order, its entries by (moment, key); empties what it has read."""
        for day in sorted(self._stored | self._held.keys()):
            entries = [*self._read(day), *self._held.pop(day, [])]
            entries.sort(key=lambda entry: entry[:2])
            yield day, entries

    def last_days(self) -> dict[str, date]:
        """The last day with entries of every month (`2026-05`)."""
        return {f"{day.year}-{day.month:02d}": day for day in sorted(self._stored | self._held.keys())}

    def _read(self, day: date) -> list[tuple[Any, ...]]:
        entries: list[tuple[Any, ...]] = []
        if day in self._stored:
            path = self._folder / day.isoformat()
            with path.open("rb") as file:
                while file.peek(1):
                    entries += marshal.load(file)
            path.unlink()
            self._stored.discard(day)
        return entries
