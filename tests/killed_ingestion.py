"""`python killed_ingestion.py POINT NTH LANDING WAREHOUSE STATE`: an ingestion that kills itself at a point.

The product knows nothing of this: the functions that stand for the steps are replaced here, before it runs.
The process dies by SIGKILL just before or just after the NTH call of the step.
"""

import itertools
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import dlt
import duckdb

from ingestion import abreast, dumps, files, gathered, ingest, keys, landing, ledger, lines, warehouse

POINTS: dict[str, tuple[object, str]] = {
    "read": (lines, "_batch"),
    "key": (keys, "count_repeats"),
    "spell": (landing, "normalised"),
    "wait": (warehouse.Loader, "wait"),
    "insert": (warehouse.Loader, "insert"),
    "insert_abreast": (warehouse.Loader, "insert"),
    "commit_abreast": (abreast._File, "_end"),
    "load": (warehouse.Loader, "load"),
    "extract": (dlt.Pipeline, "extract"),
    "normalise": (dlt.Pipeline, "normalize"),
    "commit": (dlt.Pipeline, "load"),
    "ledger": (ledger, "record"),
    "ledger_line": (ledger, "_write"),
}
"""Each step by the function that does it."""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying(step: Callable, nth: int, after: bool) -> Callable:
    """The step, but that its nth call is the end."""
    calls = itertools.count(1)  # of two threads, some of them

    def stepped(*arguments, **options):
        is_last = next(calls) == nth
        if is_last and not after:
            die()
        done = step(*arguments, **options)
        if is_last:
            die()
        return done

    return stepped


def main(point: str, nth: str, land: str, store: str, state: str) -> None:
    name, _, side = point.partition(":")
    owner, attribute = POINTS[name]
    if name == "insert":
        dumps.ROWS_AT_LEAST, gathered.BYTES_AT_MOST = 1, 0  # these files are too short to be dumps
    if name.endswith("_abreast"):
        files.BLOCK, lines.BYTES_AT_ONCE, lines.LINES_AT_ONCE = 100, 100, 2  # nor are they large
    setattr(owner, attribute, dying(getattr(owner, attribute), int(nth), side == "after"))
    ingest(Path(land), Path(store), state_dir=Path(state))
    assert duckdb.connect(store, read_only=True).execute("select count(*) from raw_intake.files").fetchone()


if __name__ == "__main__":
    main(*sys.argv[1:])
