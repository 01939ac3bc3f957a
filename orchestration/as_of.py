"""As-of: from the raw rows of a home to the marts of an earlier day, in a file beside the warehouse."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb

from orchestration import transform
from orchestration.home import ALL_KNOWN, Home
from orchestration.lock import run_lock
from orchestration.run import Clocks
from orchestration.trouble import Trouble


def build_as_of(home: Home, times: Clocks, *, wait: bool = False, say: Callable[[str], None] = print) -> Path:
    """Build every mart as of a day, from what was known at an instant. Returns the side file.

    Raises:
        Trouble: there is no warehouse, or a model failed.
    """
    if not home.warehouse.exists():
        raise Trouble(f"there is no warehouse at {home.warehouse} yet: run `ikusei run` first")
    folder = home.as_of / _name(times)
    fresh = home.as_of / f".{folder.name}.{os.getpid()}"
    with run_lock(home.prepare().lock, "ikusei as-of", wait=wait):
        try:
            say("copying the raw rows")
            # Views name their catalog, which is named after the file: so the file keeps its name.
            side = copy_raw(home.warehouse, fresh / home.warehouse.name)
            _build(home, side, times, say)
            shutil.rmtree(folder, ignore_errors=True)
            os.replace(fresh, folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return folder / home.warehouse.name


def _name(times: Clocks) -> str:
    known = (
        ""
        if times.known_at == ALL_KNOWN
        else "-known-" + times.known_at[:19].replace(" ", "T").replace(":", "")
    )
    return f"{times.as_of}{known}"


def copy_raw(warehouse: Path, side: Path) -> Path:
    """A new DuckDB file with the raw tables of a warehouse and nothing else."""
    side.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(side)) as connection:
        source = str(warehouse).replace("'", "''")
        connection.execute(f"attach '{source}' as source (read_only)")
        tables = connection.execute(
            "select table_schema, table_name from information_schema.tables "
            "where table_catalog = 'source' and table_schema like 'raw\\_%' escape '\\' "
            "and table_schema not like '%\\_staging' escape '\\' order by 1, 2"
        ).fetchall()
        for schema, table in tables:
            connection.execute(f"create schema if not exists {schema}")
            connection.execute(f'create table {schema}."{table}" as select * from source.{schema}."{table}"')
    return side


def _build(home: Home, side: Path, times: Clocks, say: Callable[[str], None]) -> None:
    transform.build(
        side,
        home.dbt_target,
        as_of=times.as_of,
        known_at=times.known_at,
        zone=times.zone,
        full_refresh=True,
        on_progress=lambda stage: say(f"building {stage}"),
    )
