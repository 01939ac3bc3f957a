"""The ledger knows every file wherever it lies, tells what came in, and lets rejects be tried again."""

import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import fsspec
import pytest
from landed_files import assert_accounted, everything, land, rows_of, run

from ingestion import IngestError, ingest, status

LINE = '10.0.0.{n} - - [01/May/2026:10:00:{n:02} +0900] "GET /a HTTP/1.1" 200 5 "-" "Mozilla/5.0"\n'
LINES = [LINE.format(n=n) for n in range(10)]
COSTS = "campaign_id,campaign_name,channel,cost_kind,cost_on,amount_jpy\n"


@pytest.fixture
def memory():
    filesystem = fsspec.filesystem("memory")
    yield filesystem
    filesystem.rm("/bucket", recursive=True)


def put(filesystem, path: str, text: str) -> None:
    filesystem.pipe(f"/bucket/{path}", text.encode())


def from_url(home: Path, url: str):
    return ingest(url, home / "warehouse.duckdb", state_dir=home / "dlt")


def test_a_remote_folder_gives_the_rows_of_a_local_one_and_is_fetched_once(tmp_path, memory):
    for path, text in {
        "web/www/a.log": "".join(LINES[:6]),
        "web/shop/format.yml": "log_format: '%h %t \"%r\" %>s'",
        "web/shop/b.log": '10.0.0.1 [01/May/2026:10:00:00 +0900] "GET /b HTTP/1.1" 200\n',
        "costs/c.csv": COSTS + "expo,展示会,event,event,2026-05-01,500000\n",
        "web/www/.hidden": "no log",
    }.items():
        put(memory, path, text)
        land(tmp_path / "local", path, text)
    far = tmp_path / "far"
    assert from_url(far, "memory://bucket").troubles == []
    run(tmp_path / "local")
    assert everything(far) == everything(tmp_path / "local")
    assert from_url(far, "memory://bucket").files == []
    assert list((far / "dlt").glob("fetched/**/*.log")) == []
    put(memory, "web/www/a.log", "".join(LINES))
    assert from_url(far, "memory://bucket").rows_loaded == 4
    assert_accounted(far)


def test_a_file_url_is_read_by_the_same_code(tmp_path):
    land(tmp_path, "web/www/a.log", "".join(LINES))
    assert from_url(tmp_path, f"file://{tmp_path}/landing").rows_loaded == 10
    assert run(tmp_path).rows_duplicate in (0, 10)  # the same paths, whichever way they are named
    assert len(rows_of(tmp_path, "raw_web.requests")) == 10


def test_a_remote_folder_that_is_not_there_is_said_with_the_mend(tmp_path):
    with pytest.raises(IngestError, match=r"memory://nowhere cannot be listed .*: check the address"):
        from_url(tmp_path, "memory://nowhere")
    with pytest.raises(IngestError, match=r"strange://x cannot be listed|needs a package"):
        from_url(tmp_path, "strange://x")


def test_rejects_are_loaded_after_a_mend(tmp_path):
    land(tmp_path, "web/www/a.log", "".join(LINES[:3]) + "10.0.0.9 [01/May/2026:10:00:09 +0900] 200 /x\n")
    [trouble] = run(tmp_path).troubles
    assert "line 4: the line is not in the combined log format" in trouble
    assert run(tmp_path).files == []
    assert run(tmp_path, retry_rejects=True).rows_rejected == 1
    assert_accounted(tmp_path)
    settings = land(tmp_path, "web/www/format.yml", "log_format: '%h %t %>s %U'")
    mended = run(tmp_path)  # the format speaks of that line only, and of the others no more
    assert mended.rows_loaded == 1 and mended.rows_rejected == 3
    assert_accounted(tmp_path)
    assert len(rows_of(tmp_path, "raw_web.requests")) == 1
    settings.unlink()
    assert run(tmp_path).rows_loaded == 3
    assert len(rows_of(tmp_path, "raw_web.requests")) == 3


def test_a_rotated_log_adds_nothing_and_its_successor_only_its_own_lines(tmp_path):
    land(tmp_path, "web/www/access.log", "".join(LINES[:6]))
    run(tmp_path)
    old = tmp_path / "landing/web/www/access.log"
    old.rename(old.with_name("access.log.1"))
    land(tmp_path, "web/www/access.log", "".join(LINES[6:8]))
    report = run(tmp_path)
    assert (report.rows_loaded, report.rows_duplicate, report.troubles) == (2, 6, [])
    land(tmp_path, "web/www/access.log", "".join(LINES[6:]))
    assert run(tmp_path).rows_loaded == 2
    assert_accounted(tmp_path)


def test_status_shows_what_came_in_of_each_source(tmp_path):
    assert status(tmp_path / "warehouse.duckdb") == []
    land(tmp_path, "web/www/a.log", "".join(LINES) + "nonsense\n")
    land(tmp_path, "costs/c.csv", COSTS + "expo,展示会,event,event,2026-05-01,500000\n")
    run(tmp_path)
    costs, web = status(tmp_path / "warehouse.duckdb")
    assert (web.source, web.files, web.rows_read, web.rows_loaded, web.rows_rejected) == ("web", 1, 11, 10, 1)
    assert web.newest_event_at == datetime(2026, 5, 1, 1, 0, 9)
    assert costs.newest_event_at == datetime(2026, 5, 1)
    line = web.line(web.newest_event_at + timedelta(hours=3))
    assert line.startswith("web: 1 files, 11 rows read, 10 loaded, 0 duplicate, 1 rejected, newest event 3.0")


def test_the_command_shows_the_status_and_tries_rejects_again(tmp_path):
    land(tmp_path, "web/www/a.log", LINES[0] + "nonsense\n")
    environment = os.environ | {"IKUSEI_HOME": str(tmp_path)}

    def ikusei(*words: str) -> str:
        command = [sys.executable, "-m", "orchestration.cli", *words]
        done = subprocess.run(
            command,
            env=environment,
            cwd=Path(__file__).parents[1],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done.stdout

    ikusei("ingest")
    ikusei("ingest", "--retry-rejects")
    told = ikusei("ingest", "status")
    assert "web: 1 files, 2 rows read, 1 loaded, 0 duplicate, 1 rejected" in told


def test_a_second_run_opens_no_file_that_did_not_change(tmp_path):
    for number in range(20):
        land(tmp_path, f"web/s{number % 4}/{number}.log", LINE.format(n=number))
    run(tmp_path, sources=["web"])
    opened: list[str] = []
    watching = [True]

    def watch(event: str, arguments: tuple) -> None:
        if watching and event == "open" and isinstance(arguments[0], str):
            opened.append(arguments[0])

    sys.addaudithook(watch)
    try:
        assert run(tmp_path, sources=["web"]).files == []
        assert not [path for path in opened if path.endswith(".log")]
        land(tmp_path, "web/s0/0.log", LINE.format(n=0) + LINE.format(n=1))
        assert len(run(tmp_path, sources=["web"]).files) == 1
        assert {Path(path).name for path in opened if path.endswith(".log")} == {"0.log"}
    finally:
        watching.clear()  # a hook cannot be taken off again
