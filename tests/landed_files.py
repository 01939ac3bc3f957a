"""Landing folders for the tests of ingestion: written, ingested, and looked at."""

import os
from pathlib import Path

import duckdb
import pytest

from ingestion import RAW_TABLES, IngestReport, ingest

SHARED = Path(os.environ.get("IKUSEI_SHARED", Path(__file__).parents[2] / "shared")) / "data"
SOURCE_TABLES = [table for table in RAW_TABLES if not table.startswith("raw_intake.")]


def shared(path: str) -> Path:
    """A file of the shared real data; skips where the folder is absent, fails in CI."""
    found = SHARED / path
    if not found.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{found} is not there, and CI must have it")
        pytest.skip(f"{found} is not there: set IKUSEI_SHARED to the folder that holds data/")
    return found


def land(home: Path, path: str, content: str | bytes) -> Path:
    """Writes a file below the landing folder of `home`."""
    file = home / "landing" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def run(home: Path, **options) -> IngestReport:
    """One ingestion of `home`."""
    (home / "landing").mkdir(parents=True, exist_ok=True)
    return ingest(home / "landing", home / "warehouse.duckdb", state_dir=home / "dlt", **options)


def query(home: Path, sql: str) -> list[tuple]:
    """Rows of the warehouse of `home`."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


def rows_of(home: Path, table: str) -> set[tuple]:
    """Every row of a raw table but what is about the run (which file, line and time)."""
    columns = [
        name for name in RAW_TABLES[table].names if name not in ("source_file", "line_number", "loaded_at")
    ]
    found = query(home, f"select {', '.join(columns)} from {table}")
    assert len(found) == len(set(found)), f"{table} holds a row twice"
    return set(found)


def everything(home: Path) -> dict[str, set[tuple]]:
    """The rows of every raw table but raw_intake."""
    return {table: rows_of(home, table) for table in SOURCE_TABLES}


def assert_accounted(home: Path) -> None:
    """Every file's rows add up, and are what the tables hold."""
    files = query(
        home, "select path, rows_read, rows_loaded, rows_duplicate, rows_rejected from raw_intake.files"
    )
    held = " union all ".join(f"select source_file from {table}" for table in SOURCE_TABLES)
    loaded = dict(query(home, f"select source_file, count(*) from ({held}) group by 1"))
    for path, rows_read, rows_loaded, rows_duplicate, rows_rejected in files:
        assert rows_read == rows_loaded + rows_duplicate + rows_rejected and rows_duplicate >= 0, path
        assert rows_loaded == loaded.get(path, 0), path
    assert set(loaded) <= {file[0] for file in files}
