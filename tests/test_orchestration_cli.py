"""The command line: what it says when something is wrong, and with which exit code."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from orchestrated import AS_OF, first_run, invented
from typer.main import get_command
from typer.testing import CliRunner, Result

from orchestration import transform
from orchestration.cli import app
from orchestration.demo import find_heroine, free_port, try_this
from orchestration.home import PROJECT
from orchestration.trouble import sentence

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home for the commands of a test."""
    monkeypatch.setenv("IKUSEI_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def ikusei(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def one_sentence(result: Result) -> str:
    """What was said on the error stream: exactly one line, and no traceback."""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("ikusei: ")
    return lines[0]


@contextmanager
def elsewhere(program: str) -> Iterator[int]:
    """Another Python process that runs a program, says a line when it is ready, and waits. Gives its pid."""
    command = [sys.executable, "-c", textwrap.dedent(program)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    )
    try:
        assert process.stdout.readline().strip() == "ready"
        yield process.pid
    finally:
        process.communicate("\n", timeout=20)


def commands() -> list[list[str]]:
    found: list[list[str]] = []
    for name, command in get_command(app).commands.items():
        found.append([name])
        found += [[name, inner] for inner in getattr(command, "commands", {})]
    return found


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_explains_itself(words: list[str]) -> None:
    result = ikusei(*words, "--help")
    assert result.exit_code == 0
    assert "Usage: " in result.stdout
    assert ". " in result.stdout.replace("\n", " ")


def test_every_command_that_the_readme_names_is_there() -> None:
    there = {" ".join(words) for words in commands()}
    groups = {name for name, command in get_command(app).commands.items() if hasattr(command, "commands")}
    named = re.findall(
        r"(?:\.venv/bin/|`)ikusei\s([a-z-]+)(?:\s([a-z]+))?", (REPOSITORY / "README.md").read_text()
    )
    wanted = {f"{first} {second}" if first in groups else first for first, second in named}
    assert len(wanted) > 20
    assert wanted <= there | groups, "the README promises what is not there"


def test_a_second_run_is_told_who_holds_the_home(home: Path) -> None:
    lock = f"""
        from orchestration.lock import run_lock
        from pathlib import Path
        with run_lock(Path({str(home / "run.lock")!r}), "ikusei run"):
            print("ready", flush=True)
            input()
    """
    home.mkdir()
    with elsewhere(lock) as pid:
        result = ikusei("run", "--landing", str(invented()))
        assert result.exit_code == 3
        said = one_sentence(result)
        assert f"`ikusei run` (process {pid}, since 2" in said
        assert "--wait" in said
        assert f"process {pid}" in ikusei("doctor").stdout
    assert "nobody holds the home" in ikusei("doctor").stdout


def test_a_killed_holder_leaves_no_lock_behind(home: Path) -> None:
    home.mkdir()
    (home / "run.lock").write_text('{"pid": 1, "deed": "ikusei run", "started_at": "long ago"}')
    (home / "landing").mkdir()
    assert ikusei("ingest").exit_code == 0


def test_a_warehouse_in_use_names_the_process(home: Path) -> None:
    home.mkdir()
    hold = f"""
        import duckdb
        connection = duckdb.connect({str(home / "warehouse.duckdb")!r})
        print("ready", flush=True)
        input()
    """
    with elsewhere(hold) as pid:
        for words in (["run", "--landing", str(invented())], ["as-of", AS_OF]):
            result = ikusei(*words)
            assert result.exit_code == 1
            assert f"process {pid}" in one_sentence(result)


def test_a_full_disk_is_one_sentence_with_its_mend() -> None:
    with pytest.raises(OSError) as full, Path("/dev/full").open("w") as nowhere:
        nowhere.write("x")
        nowhere.flush()
    words_of_duckdb = 'Failed to create checkpoint: Could not write file "w": No space left on device'
    for error in (full.value, duckdb.FatalException(words_of_duckdb)):
        assert sentence(error).startswith("the disk is full: free some room")


def test_a_full_disk_beside_little_memory_is_a_full_disk() -> None:
    with duckdb.connect() as connection, pytest.raises(duckdb.OutOfMemoryException) as short:
        connection.execute("set memory_limit = '60MB'")
        connection.execute("set max_temp_directory_size = '1MB'")
        connection.execute("select count(distinct n || '-') from range(3000000) as numbers (n)")
    assert sentence(short.value).startswith("the disk is full")


def test_little_memory_is_one_sentence_with_its_mend(monkeypatch) -> None:
    monkeypatch.setenv("IKUSEI_MEMORY", "60MB")
    result = ikusei("run", "--force", "--landing", str(invented()))
    assert result.exit_code == 1
    said = (
        "the build needs more memory than the 60MB it may take: let it take more, for example `IKUSEI_MEMORY="
    )
    assert said in one_sentence(result)


def test_a_build_by_hand_may_take_the_memory_of_a_run() -> None:
    assert f"'{transform.MEMORY}'" in (PROJECT / "profiles.yml").read_text(encoding="utf-8")


def test_an_amount_of_memory_that_is_none_is_one_sentence(monkeypatch) -> None:
    monkeypatch.setenv("IKUSEI_MEMORY", "much")
    result = ikusei("run", "--landing", str(invented()))
    assert result.exit_code == 1
    assert "IKUSEI_MEMORY=much is no amount of memory: write it as 7GiB" in one_sentence(result)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "--as-of", "2026-02-30"], "2026-02-30 is no day"),
        (["run", "--known-at", "yesterday"], "yesterday is no time"),
        (["run", "--landing", "/nowhere/at/all"], "/nowhere/at/all does not exist"),
        (["ingest", "tweets"], "there is no source tweets: the sources are web"),
        (["as-of", "2026-10-31"], "run `ikusei run` first"),
        (["explain", "score", "nobody@example.com"], "run `ikusei run` first"),
        (["dashboards", "serve"], "run `ikusei run` first"),
        (["dashboards", "check"], "run `ikusei run` first"),
        (["sync", "plan"], "run `ikusei run` first"),
        (["sync", "apply"], "run `ikusei run` first"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_one_sentence_with_its_mend(home: Path, words: list[str], said: str) -> None:
    result = ikusei(*words)
    assert result.exit_code == 1
    assert said in one_sentence(result)


def test_a_wrong_command_line_is_exit_code_2() -> None:
    assert ikusei("run", "--no-such-option").exit_code == 2
    assert ikusei("no-such-command").exit_code == 2


def test_an_unknown_zone_and_an_unwritable_home_are_sentences(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IKUSEI_ZONE", "Mars/Base")
    assert "IKUSEI_ZONE=Mars/Base is no time zone" in one_sentence(ikusei("run"))
    monkeypatch.delenv("IKUSEI_ZONE")
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("IKUSEI_HOME", str(tmp_path / "file" / "home"))
    assert "set IKUSEI_HOME" in one_sentence(ikusei("run"))


def test_a_file_that_cannot_be_read_fails_alone(home: Path) -> None:
    lists = home / "landing" / "lists" / "expo"
    lists.mkdir(parents=True)
    (lists / "no-list.csv").write_bytes(b"\x00\x01\x02 no columns\n")
    web = home / "landing" / "web" / "www"
    web.mkdir(parents=True)
    line = '192.0.2.7 - - [31/Oct/2026:10:00:00 +0900] "GET / HTTP/1.1" 200 512 "-" "a browser"\n'
    (web / "access.log").write_text(line)
    result = ikusei("ingest")
    assert result.exit_code == 1
    assert "no-list.csv" in one_sentence(result)
    assert "1 rows loaded" in result.stdout


def test_the_command_explains_a_score_and_finds_the_pages_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    built, _ = first_run()
    monkeypatch.setenv("IKUSEI_HOME", str(built.root))
    person = find_heroine(built)
    assert person is not None
    with duckdb.connect(str(built.published), read_only=True) as published:
        address = published.execute(
            "select email from identity.dim_people where person_id = ?", [person]
        ).fetchone()[0]
    assert ikusei("explain", "score", address).stdout == ikusei("explain", "score", person).stdout
    things = try_this(built, "http://127.0.0.1:1")
    assert f"http://127.0.0.1:1/lead?person_id={person}&lang=ja" in things[2]
    assert len(things) == 5
    explained = ikusei("explain", "score", person)
    assert explained.exit_code == 0
    assert "equals total_score" in explained.stdout
    assert ikusei("dashboards", "check").exit_code == 0
    assert ikusei("doctor").exit_code == 0
    assert "LOOK" not in ikusei("doctor").stdout


def test_the_demo_never_clears_a_home_that_is_not_its_own(home: Path) -> None:
    home.mkdir()
    (home / "warehouse.duckdb").write_text("precious")
    result = ikusei("demo", "--no-serve")
    assert result.exit_code == 1
    assert "holds data of your own" in one_sentence(result)
    assert (home / "warehouse.duckdb").read_text() == "precious"


def test_a_port_that_is_taken_gives_the_next_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        first = taken.getsockname()[1]
        assert free_port(first) > first


def test_help_is_quick_because_it_imports_no_engine() -> None:
    program = (
        "import sys, orchestration.cli; print(sorted({'dbt', 'dlt', 'dagster', 'duckdb'} & set(sys.modules)))"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=REPOSITORY, env=environment
    )
    assert said.stdout.strip() == "[]"
