"""What has come in so far, by source: `raw_intake` and the newest event of the raw tables -> a line each."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from ingestion import held
from ingestion.files import Found
from ingestion.settings import Digests
from ingestion.tables import RAW_TABLES

_CLOCKS = ("occurred_at", "answered_at", "opened_at", "assigned_at", "entered_at", "ordered_at", "updated_at")
_CLOCKS += ("created_at", "collected_on", "cost_on", "budget_on")


@dataclass(frozen=True)
class SourceStatus:
    """What one source has brought: files, rows by what became of them, and the newest event (UTC)."""

    source: str
    files: int
    rows_read: int
    rows_loaded: int
    rows_duplicate: int
    rows_rejected: int
    newest_event_at: datetime | None
    last_read_at: datetime
    rows_held: int = 0

    def line(self, now: datetime) -> str:
        """The status as a sentence; `now` is in UTC, without a zone."""
        newest = f"newest event {_age(now, self.newest_event_at)}" if self.newest_event_at else "no event yet"
        return (
            f"{self.source}: {self.files} files, {self.rows_read} rows read, {self.rows_loaded} loaded,"
            f" {self.rows_duplicate} duplicate, {self.rows_rejected} rejected,"
            + (f" {self.rows_held} held back," if self.rows_held else "")
            + f" {newest},"
            f" last read {_age(now, self.last_read_at)}"
        )


def _age(now: datetime, then: datetime) -> str:
    hours = (now - then).total_seconds() / 3600
    if hours < 0:
        return "in the future"
    return f"{hours:.1f} hours ago" if hours < 48 else f"{hours / 24:.0f} days ago"


def status(warehouse: Path) -> list[SourceStatus]:
    """The status of every source that a file has come of; none if there is no warehouse."""
    if not warehouse.exists():
        return []
    with duckdb.connect(str(warehouse), read_only=True) as con:
        counted = con.execute(
            "select source, count(*), sum(rows_read)::bigint, sum(rows_loaded)::bigint,"
            " sum(rows_duplicate)::bigint, sum(rows_rejected)::bigint, max(last_read_at)"
            " from raw_intake.files group by 1 order by 1"
        ).fetchall()
        held_rows: dict[str, int] = {}
        for hold in held.holds(con):
            held_rows[hold.batch.source] = held_rows.get(hold.batch.source, 0) + hold.rows
        return [
            SourceStatus(
                *(source, *counts),
                newest_event_at=_newest(con, source),
                last_read_at=read,
                rows_held=held_rows.get(source, 0),
            )
            for source, *counts, read in counted
        ]


def _newest(con: duckdb.DuckDBPyConnection, source: str) -> datetime | None:
    """The newest time of a source's tables, in each by the column that tells it best."""
    asked = []
    for table, schema in RAW_TABLES.items():
        clock = next((name for name in _CLOCKS if name in schema.names), None)
        if table.startswith(f"raw_{source}.") and clock:
            asked.append(f"select max({clock})::timestamp as newest from {table}")
    return (
        con.execute(f"select max(newest) from ({' union all '.join(asked)})").fetchone()[0] if asked else None
    )


def outdated(warehouse: Path, landing: Path) -> list[str]:
    """A sentence for each source with files that were read under other settings than hold now and are gone.

    A file that lies in landing is read anew by itself when its settings change; one that is gone cannot be.
    """
    if not warehouse.exists():
        return []
    digests, found = Digests(), {}
    for source, stream, path, rows, settings_hash in _read_under(warehouse):
        file = landing / path
        is_other = settings_hash != digests.of(Found(source, stream, path, file))
        if is_other and not file.exists():
            found.setdefault(source, []).append((path, rows))
    return [_outdated(source, files) for source, files in found.items()]


def _read_under(warehouse: Path) -> list[tuple[str, str, str, int, str]]:
    """Source, stream, path, rows and digest of the settings of every file whose settings are known."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        return con.execute(
            "select source, coalesce(stream, ''), path, rows_loaded, settings_hash from raw_intake.files"
            " where settings_hash is not null order by source, path"
        ).fetchall()


def _outdated(source: str, files: list[tuple[str, int]]) -> str:
    rows = sum(rows for _, rows in files)
    more = f" and {len(files) - 1} files more" if len(files) > 1 else ""
    return (
        f"{source}: {rows} rows of {files[0][0]}{more} were read under settings (columns.yml, events.yml or"
        " format.yml) that have changed since, and the files have left landing: put them back at the same"
        " place to have their rows read anew, or leave them as they are"
    )
