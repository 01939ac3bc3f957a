"""Rejected lines of files that are gone -> files again, so that they can be tried after a mend.

    raw_intake.rejects (record, else text) -> a file below `state_dir`, each line at its old place

The settings of the landing folder are copied beside it. The rejects themselves are kept until what came of
the retry is recorded, because nothing else holds these lines any more.
"""

import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

import duckdb

from ingestion.files import SETTINGS, Found

_FARTHEST = 5_000_000  # empty lines are cheap, but not without end


def lost(
    con: duckdb.DuckDBPyConnection, source: str, there: Collection[str], landing: Path, folder: Path
) -> Iterator[Found]:
    """A file of the rejected lines of each path of a source that no longer lies in the landing folder."""
    shutil.rmtree(folder, ignore_errors=True)
    rows = con.execute(
        "select path, stream from raw_intake.files where source = ? and rows_rejected > 0 order by path",
        [source],
    ).fetchall()
    for path, stream in rows:
        if path not in there:
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            _copy_settings(landing, folder, file.parent)
            file.write_text("".join(_lines(con, path)), encoding="utf-8")
            yield Found(source, stream or "", path, file)


def _lines(con: duckdb.DuckDBPyConnection, path: str) -> Iterator[str]:
    """The rejected lines, empty lines between them so that they keep their numbers where they can."""
    rows = con.execute(
        "select line_number, coalesce(record, text) from raw_intake.rejects where path = ?"
        " order by line_number, text",
        [path],
    ).fetchall()
    at = 0
    for number, text in rows:
        if text is not None:
            gap = max(0, min(number, _FARTHEST) - at - 1)
            at += gap + 1 + text.count("\n")
            yield "\n" * gap + text + "\n"


def _copy_settings(landing: Path, folder: Path, to: Path) -> None:
    while to != folder:
        for name in SETTINGS:
            if (said := landing / to.relative_to(folder) / name).is_file():
                shutil.copyfile(said, to / name)
        to = to.parent
