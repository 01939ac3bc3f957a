"""Figures of the whole way on an invented company: whole processes, wall seconds, as JSON on stdout.

    make bench
    make bench BENCH_ARGS="--people 10000 --days 400"

Each figure is one start of the command `ikusei`, interpreter and imports included, in a home of its own.
The rows are ingested first, so `run_after_ingest_seconds` is contracts, full build, publication and plan.
Last comes the table of errors: `errors` holds what `ikusei world score` says of the same world, worst first.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import email_events
import files
import web_log

LAST_DAY = "2026-10-31"


def main() -> None:
    """Invent, measure, print."""
    asked = _arguments()
    with tempfile.TemporaryDirectory(prefix="ikusei-bench-") as folder:
        print(json.dumps(_machine() | vars(asked) | _figures(Path(folder), asked), indent=1))


def _figures(folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    world = ["--people", str(asked.people), "--days", str(asked.days), "--seed", str(asked.seed)]
    landing = ["--landing", str(folder / "world" / "landing")]
    on_the_day = [*landing, "--as-of", LAST_DAY]
    figures: dict[str, Any] = {
        "world_seconds": _seconds(
            folder, "world", "make", *world, "--until", LAST_DAY, "--out", str(folder / "world")
        ),
        "ingest_seconds": _seconds(folder, "ingest", *landing),
        "second_ingest_seconds": _seconds(folder, "ingest", *landing),
        "run_after_ingest_seconds": _seconds(folder, "run", *on_the_day),
        "second_run_seconds": _seconds(folder, "run", *on_the_day),
        "forced_run_seconds": _seconds(folder, "run", *on_the_day, "--force"),
        "apply_and_publish_seconds": _seconds(folder, "sync", "apply"),
    }
    figures["rows_read"] = _rows_read(folder / "home" / "serving" / "serving.duckdb")
    figures["ingest_rows_per_second"] = round(figures["rows_read"] / figures["ingest_seconds"])
    scored = folder / "scored"
    figures["world_score_seconds"] = _seconds(
        folder, "world", "score", "--world", str(folder / "world"), "--out", str(scored)
    )
    figures |= email_events.figures(folder / "email")
    figures |= web_log.figures(folder / "web")
    figures |= files.figures(folder / "files")
    figures["errors"] = json.loads((scored / "errors.json").read_text(encoding="utf-8"))
    return figures


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


def _machine() -> dict[str, str | int]:
    return {
        "cores": os.cpu_count() or 0,
        "load_at_start": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "duckdb": version("duckdb"),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--days", type=int, default=400)
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args()


if __name__ == "__main__":
    main()
