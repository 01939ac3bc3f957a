"""A run that is killed at any step, or at any time, is made good by the next: nothing is lost or doubled.

`IKUSEI_LONG_TESTS=1` kills at fifty random times instead of six, and on both sides of every step.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import pytest
from killed_ingestion import POINTS
from landed_files import assert_accounted, everything, land, query, run
from test_ingestion_law import FILES as ALL_FILES

IS_LONG = os.environ.get("IKUSEI_LONG_TESTS") == "1"
FILES = {
    path: lines
    for path, lines in ALL_FILES.items()
    if IS_LONG or path.split("/")[0] in ("web", "email", "lists")
}
SIDES = [
    f"{point}:{side}"
    for place, point in enumerate(POINTS)
    for side in (("before", "after") if IS_LONG else (("before", "after")[place % 2],))
]


def land_all(home: Path) -> None:
    for path, lines in FILES.items():
        land(home, path, "\n".join(lines) + "\n")


@cache
def unharmed() -> dict[str, set[tuple]]:
    """The tables of a run that nobody killed."""
    import tempfile

    home = Path(tempfile.mkdtemp())
    land_all(home)
    assert run(home).troubles == []
    tables = everything(home)
    shutil.rmtree(home)
    return tables


def assert_made_good(home: Path) -> None:
    """One run more gives the tables, the counts and dlt's books of a run that nobody killed."""
    assert run(home).troubles == []
    assert everything(home) == unharmed()
    assert_accounted(home)
    assert query(home, "select count(*) from raw_intake.files") == [(len(FILES),)]
    assert query(home, "select count(*) from raw_web._dlt_loads where status <> 0") == [(0,)]
    assert list((home / "dlt").glob("waiting_*/*")) == []
    assert run(home).files == []


@pytest.mark.parametrize("point", SIDES)
def test_a_run_killed_at_a_step_is_made_good(tmp_path, point):
    land_all(tmp_path)
    words = [tmp_path / "landing", tmp_path / "warehouse.duckdb", tmp_path / "dlt"]
    nth = random.Random(point).randint(1, 3)  # each source passes every step once
    nth = 2 if "insert" in point or "abreast" in point else nth  # but few come as dumps
    command = [sys.executable, Path(__file__).with_name("killed_ingestion.py"), point, str(nth), *words]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert_made_good(tmp_path)


def test_runs_killed_at_random_times_are_made_good(tmp_path):
    unharmed()
    began = time.monotonic()
    run(tmp_path / "measure")
    land_all(tmp_path)
    words = [tmp_path / "landing", tmp_path / "warehouse.duckdb", "--state", tmp_path / "dlt"]
    length = max(1.5, 3 * (time.monotonic() - began))
    dice = random.Random(3)
    for _ in range(50 if IS_LONG else 6):
        process = subprocess.Popen(
            [sys.executable, "-m", "ingestion", *words],
            cwd=Path(__file__).parents[1],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(dice.uniform(0.2, length))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if dice.random() < 0.3:  # begin anew now and then, or all would be loaded after the first few
            assert_made_good(tmp_path)
            shutil.rmtree(tmp_path)
            land_all(tmp_path)
    assert_made_good(tmp_path)
