"""Doctor: from a home to lines that say what is well, and what to do about what is not."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import duckdb

from orchestration import lock, state
from orchestration.home import ALL_KNOWN, SYNCS, Home
from orchestration.publish import published_files

PACKAGES = ("duckdb", "dbt-core", "dbt-duckdb", "dlt", "dagster", "great-expectations")
TESTED_DUCKDB = "1.5.5"
LEAST_FREE_BYTES = 2_000_000_000


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, whether it is well, and what to do if it is not."""

    topic: str
    is_well: bool
    text: str

    def __str__(self) -> str:
        return f"{'ok  ' if self.is_well else 'LOOK'}  {self.topic:<12} {self.text}"


def examine(home: Home) -> Iterator[Finding]:
    """Look at versions, home, disk, lock, last run, publication, intake and syncs, changing nothing."""
    yield _versions()
    yield _home(home)
    yield _disk(home)
    yield _lock(home)
    yield _last_run(home)
    yield _publication(home)
    yield from _intake(home)
    yield from _syncs(os.environ)


def _versions() -> Finding:
    python = ".".join(map(str, sys.version_info[:3]))
    found = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    if version("duckdb") != TESTED_DUCKDB:
        return Finding(
            "versions",
            False,
            f"python {python}, {found}: DuckDB is tested at {TESTED_DUCKDB}, run `make setup`",
        )
    return Finding("versions", True, f"python {python}, {found}")


def _home(home: Home) -> Finding:
    if not home.root.exists():
        return Finding(
            "home", False, f"{home.root} does not exist yet: `ikusei run` makes it, or set IKUSEI_HOME"
        )
    if not os.access(home.root, os.W_OK):
        return Finding("home", False, f"{home.root} cannot be written: mend its rights, or set IKUSEI_HOME")
    return Finding("home", True, f"{home.root}, {_size(home.root) / 1e6:,.0f} MB")


def _disk(home: Home) -> Finding:
    place = next(folder for folder in (home.root, *home.root.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    big = [f"{path.name} {_size(path) / 1e6:,.0f} MB" for path in _biggest(home.root)]
    text = f"{free / 1e9:,.1f} GB free" + (f"; most lies in {', '.join(big)}" if big else "")
    if free < LEAST_FREE_BYTES:
        return Finding("disk", False, f"{text}: free some room, as_of/ and dbt_target/ can be made again")
    return Finding("disk", True, text)


def _lock(home: Home) -> Finding:
    who = lock.holder(home.lock)
    if who is None:
        return Finding("lock", True, "nobody holds the home")
    text = f"`{who.get('deed')}`, process {who.get('pid')}, since {who.get('started_at')}"
    return Finding("lock", True, f"{text} holds the home; other commands wait with --wait")


def _last_run(home: Home) -> Finding:
    built = state.read(home.run_state).built
    if home.unfinished_build.exists() and lock.holder(home.lock) is None:
        return Finding("last run", False, "the last build did not end: `ikusei run` builds all anew")
    if built is None:
        return Finding(
            "last run", False, "nothing was built yet: put files into landing/ and run `ikusei run`"
        )
    known = "" if built.known_at == ALL_KNOWN else f", known at {built.known_at}"
    return Finding(
        "last run", True, f"{built.run_id}, as of {built.as_of}{known}, rules {built.rules_digest}"
    )


def _publication(home: Home) -> Finding:
    kept = state.read(home.run_state)
    if not home.published.exists():
        return Finding("published", False, "nothing is public yet: `ikusei run` publishes what it builds")
    name, files = home.published.resolve().name, len(published_files(home.serving))
    if kept.built and kept.built.run_id != kept.published_run_id:
        return Finding(
            "published", False, f"{name} is older than the last build: `ikusei run` publishes that"
        )
    return Finding("published", True, f"{name}, {files} files kept")


def _intake(home: Home) -> Iterator[Finding]:
    """From the published file, because the warehouse may be in use."""
    if not home.published.exists():
        return
    with duckdb.connect(str(home.published.resolve()), read_only=True) as connection:
        health = connection.execute(
            "select source, files, rows_read, rows_loaded, rows_duplicate, rows_rejected"
            " from reporting.rpt_health order by source"
        ).fetchall()
        there = connection.execute("select 1 from duckdb_tables() where table_name = 'rpt_held'").fetchall()
        held = "select raw_table, path, rows_held, reason from reporting.rpt_held order by all"
        holds = connection.execute(held).fetchall() if there else []
    for table, path, rows, reason in holds:
        yield Finding("held", False, f"{rows:,} rows of {path} stay out of {table}: {reason}")
    for source, files, read, loaded, duplicate, rejected in health:
        text = f"{files:,} files, {read:,} rows read: {loaded:,} loaded, {duplicate:,} duplicate, "
        text += f"{rejected:,} rejected"
        if loaded + duplicate + rejected != read:
            yield Finding(
                source,
                False,
                f"{text}: these do not add up, read the files again with `ikusei ingest {source}`",
            )
        else:
            mend = ": raw_intake.rejects says which lines and why" if rejected else ""
            yield Finding(source, True, text + mend)


def _syncs(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Each sync that somebody began to set up, and one line for those that nobody did."""
    from orchestration.activate import syncs_not_set_up
    from orchestration.activation.configuration import read_syncs
    from orchestration.activation.destinations import destination_kinds

    kinds, off = destination_kinds(), syncs_not_set_up(environment)
    for sync in (sync for sync in read_syncs(SYNCS) if sync.name not in off):
        missing = sorted({name for name in sync.secrets.values() if not environment.get(name)})
        package = kinds[sync.destination].package
        if missing:
            yield Finding(
                "sync", False, f"{sync.name}: set {' and '.join(missing)}, as {sync.path.name} says"
            )
        elif package and importlib.util.find_spec(package[0]) is None:
            text = f"{sync.name} needs a package: pip install 'ikusei[{package[1]}]'"
            yield Finding("sync", False, text)
        else:
            yield Finding("sync", True, f"{sync.name}: {kinds[sync.destination].guarantee}")
    if off:
        text = f"not set up, and not needed: {', '.join(off)}; each file in {SYNCS.name}/ says how"
        yield Finding("sync", True, text)


def _biggest(folder: Path) -> list[Path]:
    inside = sorted(folder.iterdir(), key=_size, reverse=True) if folder.exists() else []
    return inside[:3]


def _size(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file() and not file.is_symlink())
