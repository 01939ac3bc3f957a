"""The streams that the invented company's systems would leave behind: web logs, form and mail lines.

The diary's entries become web logs (plain, gzipped, late and repeated) and JSON lines; `sheets` writes the
tables. Same diary, same bytes: archives carry no clock, and compression comes from the pinned pyarrow, not
from the machine's zlib.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import pyarrow as pa

from .behaviour import World
from .clock import month_name
from .diary import MailEvent
from .landing import Written, by_month, put
from .sheets import write_sheets
from .traces import EMAIL_EVENTS, RequestTruth, Table


def write_files(world: World, landing: Path, truth: Path) -> Written:
    """Write every file below `landing`, and into `truth` what is true of the streams."""
    written = Written()
    _write_web(world, landing, truth, written)
    _write_forms(world, landing, written)
    _write_mail_events(world, landing, truth, written)
    write_sheets(world, landing, written)
    return written


def gzipped(content: bytes) -> bytes:
    """A gzip archive without name and time."""
    return pa.Codec("gzip", compression_level=6).compress(content, asbytes=True)


def _is_torn(world: World, path: str) -> bool:
    """Whether the transfer of a file broke off within its last line."""
    return world.befalls("torn_file", path)


def _torn(line: str) -> str:
    """What arrived of a line, without its end."""
    return line[: len(line) * 3 // 5]


def _write_web(world: World, landing: Path, truth: Path, written: Written) -> None:
    """One log a month, sorted; identical lines are one request. All but the last two months are gzipped."""
    last_days = world.diary.requests.last_days()
    months, requests = sorted(last_days), RequestTruth(truth)
    logs = {month: _Log(landing, month, packed=month not in months[-2:]) for month in months}
    late = _Log(landing, *_late_months(months), packed=False)
    for day, entries in world.diary.requests.days():
        log = logs[month_name(day)]
        lines = [_Line(entry, log, None) for entry in _once(entries)]
        if log.month == late.gathers:
            lines = [_late(world, line, late) for line in lines]
        elif day == last_days[log.month] and _is_torn(world, log.path):
            lines[-1] = _Line(lines[-1].entry, log, "torn_file")
            written.troubles[log.path] = "torn_file"
        for (moment, text, is_page, facts), home, trouble in lines:
            requests.add(moment, text, is_page, facts, home.path, trouble)
            home.add(_torn(text) if trouble == "torn_file" else f"{text}\n")
        requests.end_day(day)
        log.store()
    late.store()
    requests.close()
    if late.count:
        written.troubles[late.path] = "late_file"
    written.lines |= {log.path: log.count for log in (*logs.values(), late) if log.count}
    written.requests, written.cookies = requests.count, requests.cookies
    written.cookie_spans = list(requests.cookie_spans(world.diary.tied, world.diary.untied))
    written.visitors = {month: len(browsers) for month, browsers in requests.visitors.items()}
    _repeat_one(world, landing, written)


class _Log:
    """One web log file that grows by a day at a time; a packed one holds a gzip member for each day."""

    def __init__(self, landing: Path, month: str, gathers: str = "", *, packed: bool) -> None:
        self.month, self.gathers, self._packed = month, gathers, packed
        self.path = f"web/www/access-{month}{'-late' if gathers else ''}.log" + (".gz" if packed else "")
        self._file, self._held, self.count = landing / self.path, [], 0

    def add(self, text: str) -> None:
        self._held.append(text)
        self.count += 1

    def store(self) -> None:
        if self._held:
            content = "".join(self._held).encode()
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("ab") as file:
                file.write(gzipped(content) if self._packed else content)
        self._held = []


class _Line(NamedTuple):
    entry: tuple[Any, ...]  # moment, text, is it a page, facts of its visitor
    home: _Log
    trouble: str | None


def _once(entries: list[tuple[Any, ...]]) -> Iterable[tuple[Any, ...]]:
    """Sorted entries without those whose line is that of the one before."""
    text = ""
    for entry in entries:
        if entry[1] != text:
            yield entry
        text = entry[1]


def _late(world: World, line: _Line, late: _Log) -> _Line:
    """The line, moved to the later file by a chance that depends on nothing but the line."""
    share = crc32(f"{world.seed} {line.entry[1]}".encode()) / 2**32
    return _Line(line.entry, late, "late_file") if share < world.trouble("late_file") else line


def _late_months(months: list[str]) -> tuple[str, str]:
    """(the month with whose log late lines arrive, the month they are of); ('', ' ') when there is none."""
    month = _late_month(months)
    if not month:
        return "", " "
    return months[min(len(months) - 1, months.index(month) + 3)], month


def _late_month(months: list[str]) -> str:
    """The last March that is not the newest month; else the middle month; none in a world of one month."""
    older = months[:-1]
    marches = [name for name in older if name.endswith("-03")]
    return marches[-1] if marches else (older[len(older) // 2] if older else "")


def _repeat_one(world: World, landing: Path, written: Written) -> None:
    archives = sorted(path for path in written.lines if path.endswith(".log.gz"))
    if world.trouble("repeated_file") and archives:
        path = archives[len(archives) // 3]
        copy = path.replace("access-", "copy-of-access-")
        put(landing, copy, (landing / path).read_bytes(), written.lines[path], written)
        written.troubles[copy] = "repeated_file"


def _lines(world: World, path: str, lines: list[str]) -> tuple[bytes, bool]:
    """The lines as a file, and whether its last line is cut."""
    if _is_torn(world, path):
        return "\n".join([*lines[:-1], _torn(lines[-1])]).encode(), True
    return "".join(f"{line}\n" for line in lines).encode(), False


def _write_forms(world: World, landing: Path, written: Written) -> None:
    entries = sorted(world.diary.submissions, key=lambda entry: (entry.moment, entry.row["submission_id"]))
    for month, rows in by_month((entry.moment, entry.row) for entry in entries).items():
        path = f"forms/site/submissions-{month}.jsonl"
        content, torn = _lines(world, path, [json.dumps(row, ensure_ascii=False) for row in rows])
        if torn:
            written.troubles[path] = "torn_file"
            written.torn_submissions.add(rows[-1]["submission_id"])
        put(landing, path, content, len(rows), written)


def _write_mail_events(world: World, landing: Path, truth: Path, written: Written) -> None:
    """Lines, but for the first month, which was kept as arrays as the webhook posts them."""
    table = Table(truth / "email_events.parquet", EMAIL_EVENTS)
    months = (
        (month, [MailEvent(*entry) for _, entries in days for entry in entries])
        for month, days in groupby(world.diary.mail_events.days(), key=lambda pair: month_name(pair[0]))
    )
    for number, (month, events) in enumerate(months):
        path = f"email/sendgrid/events-{month}.json" + ("l" if number else "")
        lines, torn = [event.line for event in events], False
        if number:
            content, torn = _lines(world, path, lines)
            written.troubles |= {path: "torn_file"} if torn else {}
        else:
            content = ("[\n" + ",\n".join(lines) + "\n]\n").encode()
        put(landing, path, content, len(lines), written)
        for place, event in enumerate(events, start=1):
            trouble = "torn_file" if torn and place == len(events) else event.trouble
            table.add(
                (event.event_id, event.moment, event.event, event.token, event.person_key, event.actor_key,
                 event.is_machine, event.machine_kind, trouble)
            )  # fmt: skip
    table.close()
