"""Speed of email events: a SendGrid dump ingested by us against DuckDB's own `read_json`, in one run.

    python tests/bench/email_events.py [EVENTS]

The ratio is ours over DuckDB's in rows a second, from file to committed, deduplicated raw table. CPU seconds
stand beside wall seconds, since other work on the machine moves the wall clock but hardly those.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from ingestion import ingest

WORDS = ("processed", "delivered", "open", "click", "bounce", "deferred")
AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36"


def figures(folder: Path, events: int = 300_000) -> dict[str, float | int]:
    """Wall and CPU seconds of both ways on the same file, and their ratios (1 is DuckDB's own speed)."""
    dump = folder / "landing" / "email" / "sendgrid" / "events.jsonl"
    dump.parent.mkdir(parents=True)
    with dump.open("w") as file:
        file.writelines(json.dumps(event) + "\n" for event in _dump(events))
    ours = _seconds(lambda: _ingested(folder, events))
    theirs = _seconds(lambda: _read(folder, dump))
    return {
        "email_events": events,
        "email_seconds": round(ours[0], 2),
        "email_read_json_seconds": round(theirs[0], 2),
        "email_speed_ratio": round(theirs[0] / ours[0], 3),
        "email_cpu_ratio": round(theirs[1] / ours[1], 3),
    }


def _ingested(folder: Path, events: int) -> None:
    report = ingest(
        folder / "landing", folder / "warehouse.duckdb", state_dir=folder / "dlt", sources=["email"]
    )
    assert report.rows_loaded == events, report.troubles


def _read(folder: Path, dump: Path) -> None:
    with duckdb.connect(str(folder / "theirs.duckdb")) as con:
        con.execute(
            "create table events as select * from read_json(?, format = 'newline_delimited')", [str(dump)]
        )


def _seconds(work: Callable[[], None]) -> tuple[float, float]:
    wall, cpu = time.monotonic(), time.process_time()
    work()
    return time.monotonic() - wall, time.process_time() - cpu


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


def main() -> None:
    """Measures and prints."""
    with tempfile.TemporaryDirectory(prefix="ikusei-bench-") as folder:
        print(json.dumps(figures(Path(folder), int(sys.argv[1]) if sys.argv[1:] else 300_000), indent=1))


if __name__ == "__main__":
    main()
