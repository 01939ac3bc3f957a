"""Ingest: from the landing folder of a home to the raw tables of its warehouse, by `ingestion`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from orchestration.home import Home
from orchestration.trouble import Trouble

if TYPE_CHECKING:
    from ingestion import IngestReport

SOURCES = ("web", "forms", "email", "lists", "crm", "costs")
SOURCES += ("touches", "surveys", "service", "points", "social", "ab", "links")


def ingest(
    home: Home,
    *,
    landing: Path | str | None = None,
    sources: Sequence[str] | None = None,
    zone: str,
    retry_rejects: bool = False,
    on_progress: Callable[[str], None] | None = None,
) -> IngestReport:
    """Load what is new in the landing folder; files that were read before and did not change are not opened.

    Args:
        landing: another folder than the home's, or a URL (`s3://`, `sftp://`, `file://`).
        sources: only these of `SOURCES`.
        zone: zone of times that come without one.
        retry_rejects: read the files that have rejected lines again, as after a mend.

    Raises:
        Trouble: the landing folder does not exist, or a source is unknown.
    """
    landing = landing or home.landing
    if "://" not in str(landing) and not Path(landing).is_dir():
        raise Trouble(
            f"the landing folder {landing} does not exist: create it, or name another with --landing"
        )
    unknown = sorted(set(sources or ()) - set(SOURCES))
    if unknown:
        raise Trouble(f"there is no source {unknown[0]}: the sources are {', '.join(SOURCES)}")
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    from ingestion import IngestError
    from ingestion import ingest as load

    try:
        return load(
            landing,
            home.warehouse,
            state_dir=home.dlt,
            sources=sources,
            zone=zone,
            retry_rejects=retry_rejects,
            on_progress=on_progress,
        )
    except IngestError as error:
        raise Trouble(str(error)) from error


def loaded_through(warehouse: Path) -> str | None:
    """The newest `loaded_at` of all raw tables, as text in UTC; None without a row or without the file."""
    if not warehouse.exists():
        return None
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        tables = connection.execute(
            "select table_schema || '.' || table_name from information_schema.columns "
            "where table_schema like 'raw\\_%' escape '\\' and column_name = 'loaded_at' "
            "and table_schema not like '%\\_staging' escape '\\' order by 1"
        ).fetchall()
        if not tables:
            return None
        newest = " union all ".join(f"select max(loaded_at) as loaded_at from {table}" for (table,) in tables)
        return connection.execute(f"select cast(max(loaded_at) as varchar) from ({newest})").fetchone()[0]


def taken_back_through(warehouse: Path) -> str | None:
    """When rows were last taken out of a raw table to be read anew, as text in UTC; None if never."""
    if not warehouse.exists():
        return None
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        there = connection.execute(
            "select count(*) from information_schema.tables "
            "where table_schema = 'raw_intake' and table_name = 'taken_back'"
        ).fetchone()[0]
        newest = "select cast(max(taken_back_at) as varchar) from raw_intake.taken_back"
        return connection.execute(newest).fetchone()[0] if there else None
