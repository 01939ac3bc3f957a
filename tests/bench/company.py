"""The whole way on an invented company: each figure one start of `ikusei`, interpreter and imports included.

Every start has a home of its own. The rows are ingested first, so that `run after ingest` is contracts, full
build, publication and plan. Last comes the table of errors of the same world, its worst rows as `errors`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
from figure import Figure

LAST_DAY = "2026-10-31"
WORLDS = {"full": (2000, 400), "quick": (300, 120)}
"""People and days of the invented company, by size."""


def measure(size: str) -> list[Figure]:
    """Wall seconds of each command."""
    with tempfile.TemporaryDirectory(prefix="ikusei-bench-") as folder:
        return _figures(Path(folder), *WORLDS[size])


def _figures(folder: Path, people: int, days: int) -> list[Figure]:
    world = ["--people", str(people), "--days", str(days), "--seed", "7", "--until", LAST_DAY]
    landing = ["--landing", str(folder / "world" / "landing")]
    on_the_day = [*landing, "--as-of", LAST_DAY]
    steps = {
        "world make": ("world", "make", *world, "--out", str(folder / "world")),
        "ingest": ("ingest", *landing),
        "second ingest": ("ingest", *landing),
        "run after ingest": ("run", *on_the_day),
        "second run": ("run", *on_the_day),
        "forced run": ("run", *on_the_day, "--force"),
        "sync apply": ("sync", "apply"),
    }
    figures = [Figure(name, _seconds(folder, *words), "s") for name, words in steps.items()]
    rows = _rows_read(folder / "home" / "serving" / "serving.duckdb")
    figures.append(Figure("rows ingested", rows, "rows", why=f"{people:,} people, {days} days"))
    scored = folder / "scored"
    words = ("world", "score", "--world", str(folder / "world"), "--out", str(scored))
    figures.append(Figure("world score", _seconds(folder, *words), "s"))
    errors = json.loads((scored / "errors.json").read_text(encoding="utf-8"))
    return figures + [_error(error) for error in errors[:10]]


def _error(error: dict) -> Figure:
    name = f"{error['area']}: {error['measure']}"
    return Figure(name[:44], error["value"], "value", why=f"{error['trouble']}, n = {error['n']:,}")


def _seconds(folder: Path, *words: str) -> float:
    """Wall seconds of one start of the command; its own words go to stderr."""
    environment = os.environ | {"IKUSEI_HOME": str(folder / "home")}
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "orchestration.cli", *words], env=environment, stdout=sys.stderr, check=True
    )
    return round(time.monotonic() - began, 2)


def _rows_read(published: Path) -> int:
    with duckdb.connect(str(published), read_only=True) as connection:
        return int(connection.execute("select sum(rows_read) from reporting.rpt_health").fetchone()[0])
