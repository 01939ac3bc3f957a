"""Speed of email events: a SendGrid dump ingested by us against DuckDB's own `read_json`, in one run.

The ratio is ours over DuckDB's in rows a second, from file to committed, deduplicated raw table; DuckDB's is
from file to committed table, every key a column, nothing keyed, checked or kept as it came. Our table holds
each record's own text beside its fields, which is half of its width, so a second ratio is told in which
DuckDB's table holds it too. Each way runs in
a process of its own, imports included, and in turns with the others: a figure is the median of its turns,
since a machine's speed moves by more than a tenth from one second to the next. Processor seconds stand
beside wall seconds, since other work on the machine moves the wall clock but hardly those.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
from figure import Figure

EVENTS = {"full": 1_000_000, "quick": 300_000}
WAYS, TURNS = ("theirs", "theirs_kept", "ours"), 5
WORDS = ("processed", "delivered", "open", "click", "bounce", "deferred")
AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36"


def measure(size: str) -> list[Figure]:
    """Wall and processor seconds of both ways on the same file, medians of turns, and their ratios."""
    events = EVENTS[size]
    with tempfile.TemporaryDirectory(prefix="ikusei-bench-") as home:
        _write(Path(home), events)
        turns = [{way: _measured(way, Path(home)) for way in WAYS} for _ in range(TURNS)]
    assert {told["rows"] for turn in turns for told in turn.values()} == {events}
    theirs, kept, ours = (
        {name: statistics.median(turn[way][name] for turn in turns) for name in turns[0][way]} for way in WAYS
    )
    least = 0.5 if size == "full" else None  # the interpreter's start is no small part of a small file
    return [
        Figure("speed", theirs["wall"] / ours["wall"], at_least=least, why=f"of DuckDB's, {events:,} events"),
        Figure("speed in processor seconds", theirs["cpu"] / ours["cpu"], at_least=least),
        Figure(
            "speed, records kept", kept["wall"] / ours["wall"], at_least=least, why="both keep them as text"
        ),
        Figure("speed, records kept, in processor seconds", kept["cpu"] / ours["cpu"], at_least=least),
        Figure("ingested", ours["wall"], "s"),
        Figure("ingested, processor", ours["cpu"], "s"),
        Figure("read by read_json", theirs["wall"], "s"),
        Figure("read by read_json, processor", theirs["cpu"], "s"),
        Figure("read by read_json, records kept", kept["wall"], "s"),
        Figure("read by read_json, records kept, processor", kept["cpu"], "s"),
        Figure("peak memory", ours["peak_mib"], "MiB", at_most=1024),
    ]


def _write(home: Path, events: int) -> None:
    dump = home / "landing" / "email" / "sendgrid" / "events.jsonl"
    dump.parent.mkdir(parents=True)
    with dump.open("w") as file:
        file.writelines(json.dumps(event) + "\n" for event in _dump(events))


def _measured(way: str, folder: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, way, str(folder)], stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def theirs(folder: Path, columns: str = "*") -> int:
    """DuckDB alone: every key a column, its type told by DuckDB. Returns the rows."""
    with duckdb.connect(str(folder / f"theirs{len(columns)}.duckdb")) as con:
        return con.execute(
            f"create table events as select {columns}"
            " from read_json(?, format = 'newline_delimited') as event",
            [str(folder / "landing" / "email" / "sendgrid" / "events.jsonl")],
        ).fetchone()[0]


def theirs_kept(folder: Path) -> int:
    """DuckDB alone, each record kept as its JSON text too, as our raw table keeps it. Returns the rows."""
    return theirs(folder, "*, to_json(event)::varchar as payload")


def ours(folder: Path) -> int:
    """Ingestion. Returns the rows that it loaded."""
    from ingestion import ingest

    report = ingest(folder / "landing", folder / "ours.duckdb", state_dir=folder / "dlt", sources=["email"])
    assert not report.troubles, report.troubles
    return report.rows_loaded


def _dump(events: int):
    """SendGrid events of mails to a fifth as many people: what each says depends on its word."""
    dice = random.Random(1)
    for n in range(events):
        word = dice.choices(WORDS, [30, 30, 25, 10, 2, 3])[0]
        person, mail = n % (events // 5 or 1), n // 4
        event = {"email": f"user{person}@example{person % 97}.co.jp", "timestamp": 1_760_000_000 + n // 3}
        event |= {"event": word, "sg_event_id": f"ev-{n:012d}", "sg_message_id": f"msg{mail}.filter0425.0"}
        event |= {
            "smtp-id": f"<{mail}@ismtpd0006>",
            "category": ["newsletter", "2026-05"],
            "mid": f"tok{mail}",
        }
        event |= {"campaign_id": "mail-2026-05-newsletter", "purpose": "marketing"}
        if word in ("open", "click"):
            event |= {"useragent": AGENT, "ip": "203.0.113.9"}
        if word == "open":
            event["sg_machine_open"] = n % 5 == 0
        if word == "click":
            event["url"] = f"https://www.example.jp/case/a?utm_source=mail&mid=tok{mail}"
        if word == "bounce":
            event |= {"reason": f"550 5.1.1 user {n} unknown", "status": "5.1.1", "type": "bounce"}
        yield event


def _run(way: str, folder: Path) -> None:
    for left in folder.iterdir():  # of the turn before
        if left.is_dir() and left.name != "landing":
            shutil.rmtree(left)
        elif left.is_file():
            left.unlink()
    wall, cpu = time.monotonic(), time.process_time()
    rows = {"ours": ours, "theirs": theirs, "theirs_kept": theirs_kept}[way](folder)
    spent = {"wall": round(time.monotonic() - wall, 2), "cpu": round(time.process_time() - cpu, 2)}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(spent | {"rows": rows, "peak_mib": peak}))


if __name__ == "__main__":
    _run(sys.argv[1], Path(sys.argv[2]))
