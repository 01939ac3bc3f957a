"""What a CRM's way back has in common: a cursor, what was merged into what, and files of the landing folder.

    landing/crm/<system>/.cursor.json -> since -> rows by kind of `kinds.yml` -> <time>-<kind>.csv -> cursor

The cursor moves after the files are complete, so a pull that breaks off is repeated, not lost; a repeated row
has the same content, so loading it again adds nothing. `crm_words.csv` says what a CRM's words mean here.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import dlt
from dlt.extract.exceptions import ResourceExtractionError

from ingestion.vendor_calls import CallFailed

OVERLAP = timedelta(minutes=10)  # a change is dated by its start and seen at its end
KINDS = ("leads", "opportunities", "opportunity_stages", "owners", "orders", "activities")

Row = dict[str, Any]


def pull_into(landing: Path, system: str, source_since: Callable[[datetime | None], Any]) -> dict[str, int]:
    """Writes what a dlt source has since the last pull below landing/crm/<system>; returns rows by kind.

    Raises CallFailed; then no file and no cursor was written.
    """
    folder = landing / "crm" / system
    folder.mkdir(parents=True, exist_ok=True)
    cursor = folder / ".cursor.json"
    said = json.loads(cursor.read_text(encoding="utf-8"))["changed_at"] if cursor.exists() else None
    source = source_since(moment(said) - OVERLAP if said else None)
    try:
        found = {kind: [dict(row) for row in source.resources[kind]] for kind in KINDS}
    except ResourceExtractionError as error:
        raise (error.__cause__ if isinstance(error.__cause__, CallFailed) else error) from None
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    for kind, rows in found.items():
        if rows:
            _write(folder / f"{stamp}-{kind}.csv", rows)
    times = [row["updated_at"] for rows in found.values() for row in rows if row.get("updated_at")]
    if newest := max([*times, *([said] if said else [])], default=None):
        _replace(cursor, json.dumps({"changed_at": newest}))
    return {kind: len(rows) for kind, rows in found.items()}


class Seen(Protocol):
    """What one pull has read of a CRM: rows of each of `KINDS`."""

    def leads(self) -> Iterator[Row]: ...
    def opportunities(self) -> Iterator[Row]: ...
    def opportunity_stages(self) -> Iterator[Row]: ...
    def owners(self) -> Iterator[Row]: ...
    def orders(self) -> Iterator[Row]: ...
    def activities(self) -> Iterator[Row]: ...


def resources_of(seen: Seen) -> list[Any]:
    """A dlt resource for each kind of `kinds.yml`, from the method of its name."""
    return [dlt.resource(getattr(seen, kind)(), name=kind) for kind in KINDS]


class Survivors:
    """Ids that were merged into others, or turned into them: each leads to the one that is left."""

    def __init__(self, pairs: Iterable[tuple[str | None, str | None]]) -> None:
        """`pairs`: the id that is gone, and the id that it became a part of."""
        self._into = {gone: into for gone, into in pairs if gone and into and gone != into}

    def of(self, key: str | None) -> str | None:
        """The id that is left; the id itself when it was never merged. A chain is followed to its end."""
        seen: set[str] = set()
        while key in self._into and key not in seen:
            seen.add(key)
            key = self._into[key]
        return key

    def gone(self) -> list[str]:
        """The ids that are no more."""
        return list(self._into)


@cache
def words(system: str, kind: str) -> Mapping[str, str]:
    """Word of a CRM -> what it means here."""
    with Path(__file__).with_name("crm_words.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["word"]: row["means"] for row in rows if (row["system"], row["kind"]) == (system, kind)}


def entered(steps: Iterable[tuple[str, str | None]]) -> list[tuple[str, str]]:
    """(time, stage) of each stage that was entered, oldest first; what repeats the stage before is none."""
    found, before = [], None
    for at, stage in sorted(steps, key=lambda step: step[0]):
        if stage and stage != before:
            found.append((at, stage))
        before = stage
    return found


def moment(text: str) -> datetime:
    """A vendor's time, with `Z`, `+0000` or `+00:00`."""
    return datetime.fromisoformat(text)


def utc_text(text: str | None) -> str | None:
    """A vendor's time as ISO 8601 in UTC to the microsecond, so that texts sort as times do."""
    if not text:
        return None
    return f"{moment(text).astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def _write(path: Path, rows: list[Row]) -> None:
    page = io.StringIO(newline="")
    writer = csv.DictWriter(page, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    _replace(path, page.getvalue())


def _replace(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.partial")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)
