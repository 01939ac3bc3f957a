"""The landing files: every format that the invented company's systems would leave behind.

The diary's entries become web logs (plain, gzipped, late and repeated), form and mail lines, exhibition
lists (Eight in cp932, Sansan in UTF-8 with BOM, XLSX), CRM exports and cost files. Same diary, same bytes:
archives carry no clock, and compression comes from the pinned pyarrow, not from the machine's zlib.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from codecs import BOM_UTF16_LE
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import openpyxl
import pyarrow as pa

from .behaviour import World
from .campaigns import Cost
from .clock import local_day, midnight, month_name
from .diary import Card, Identifier, MailEvent
from .dice import Dice
from .traces import EMAIL_EVENTS, RequestTruth, Table

EIGHT = (
    "会社名",
    "部署名",
    "役職",
    "姓",
    "名",
    "e-mail",
    "郵便番号",
    "住所",
    "TEL会社",
    "TEL部門",
    "TEL直通",
    "Fax",
    "携帯電話",
    "URL",
    "名刺交換日",
    "Eightでつながっている人",
    "再データ化中の名刺",
    "'?'を含んだデータ",
)
SANSAN = (
    "会社名",
    "部署名",
    "役職",
    "氏名",
    "氏名［姓］",
    "氏名［名］",
    "氏名（カナ）",
    "郵便番号(1)",
    "住所(1)［全て］",
    "TEL-1(1)",
    "FAX(1)",
    "Email(1)",
    "携帯電話(1)",
    "取得日",
    "名刺交換場所",
    "備考",
)
CRM = {
    "leads": "lead_id external_id email name name_kana company department position phone prefecture industry "
    "employees product_id source campaign_id owner_id status created_at updated_at",
    "opportunities": "opportunity_id lead_id company name product_id amount_jpy stage owner_id created_at "
    "closed_at updated_at",
    "opportunity_stages": "opportunity_id stage entered_at",
    "orders": "order_id opportunity_id lead_id email product_id amount_jpy gross_margin_jpy ordered_at "
    "updated_at",
    "owners": "owner_id owner_name email unit_id updated_at",
    "activities": "activity_id lead_id opportunity_id owner_id activity_type subject outcome occurred_at",
}
_STATE_TABLES = {"leads": "lead_id", "opportunities": "opportunity_id"}  # exported as the month left them


@dataclass
class Written:
    """What was written: files by path below `landing`, with their lines; and the requests that remain."""

    lines: dict[str, int] = field(default_factory=dict)
    requests: int = 0  # distinct log lines
    cookies: int = 0
    list_rows: list[Identifier] = field(default_factory=list)
    cookie_spans: list[Identifier] = field(default_factory=list)
    visitors: dict[str, int] = field(default_factory=dict)  # month: human browsers, staff left out
    troubles: dict[str, str] = field(default_factory=dict)  # of whole files, by path
    torn_submissions: set[str] = field(default_factory=set)


def write_files(world: World, landing: Path, truth: Path) -> Written:
    """Write every file below `landing`, and into `truth` what is true of the streams."""
    written = Written()
    _write_web(world, landing, truth, written)
    _write_forms(world, landing, written)
    _write_mail_events(world, landing, truth, written)
    _write_lists(world, landing, written)
    _write_crm(world, landing, written)
    _write_costs(world.campaigns.costs, landing, written)
    return written


def _put(landing: Path, path: str, content: bytes, lines: int, written: Written) -> None:
    target = landing / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    written.lines[path] = lines


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
        _put(landing, copy, (landing / path).read_bytes(), written.lines[path], written)
        written.troubles[copy] = "repeated_file"


def _lines(world: World, path: str, lines: list[str]) -> tuple[bytes, bool]:
    """The lines as a file, and whether its last line is cut."""
    if _is_torn(world, path):
        return "\n".join([*lines[:-1], _torn(lines[-1])]).encode(), True
    return "".join(f"{line}\n" for line in lines).encode(), False


def _by_month(entries: Iterable[tuple[int, Any]]) -> dict[str, list[Any]]:
    months: dict[str, list[Any]] = {}
    for moment, entry in entries:
        months.setdefault(month_name(local_day(moment)), []).append(entry)
    return months


def _write_forms(world: World, landing: Path, written: Written) -> None:
    entries = sorted(world.diary.submissions, key=lambda entry: (entry.moment, entry.row["submission_id"]))
    for month, rows in _by_month((entry.moment, entry.row) for entry in entries).items():
        path = f"forms/site/submissions-{month}.jsonl"
        content, torn = _lines(world, path, [json.dumps(row, ensure_ascii=False) for row in rows])
        if torn:
            written.troubles[path] = "torn_file"
            written.torn_submissions.add(rows[-1]["submission_id"])
        _put(landing, path, content, len(rows), written)


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
        _put(landing, path, content, len(lines), written)
        for place, event in enumerate(events, start=1):
            trouble = "torn_file" if torn and place == len(events) else event.trouble
            table.add(
                (event.event_id, event.moment, event.event, event.token, event.person_key, event.actor_key,
                 event.is_machine, event.machine_kind, trouble)
            )  # fmt: skip
    table.close()


def _write_lists(world: World, landing: Path, written: Written) -> None:
    """One list an exhibition: the layouts take turns, so that each exists when there are three."""
    layouts = (_eight, _sansan, _workbook)
    for number, show in enumerate(world.campaigns.exhibitions):
        cards = [card for card in world.diary.cards if card.list_name == show.campaign_id]
        cards.sort(key=lambda card: (card.day, Dice(world.seed, "pile", card.person_key, card.day).random()))
        if cards:
            is_odd = number % 3 < 2 and world.befalls("wrong_encoding", show.campaign_id)
            path, content, first_row = layouts[number % 3](show.campaign_id, cards, is_odd)
            _put(landing, path, content, len(cards), written)
            written.troubles |= {path: "wrong_encoding"} if is_odd else {}
            written.list_rows += [
                _list_row(path, first_row + place, card, "wrong_encoding" if is_odd else card.trouble)
                for place, card in enumerate(cards)
            ]


def _list_row(path: str, row: int, card: Card, trouble: str | None) -> Identifier:
    moment, value = midnight(card.day), f"{path.removeprefix('lists/')}:{row}"
    return Identifier("list_row", value, card.person_key, moment, moment, trouble)


def _slashed(day: date) -> str:
    return day.strftime("%Y/%m/%d")


def _eight_row(card: Card, day: Any) -> list[Any]:
    row = card.row
    return [
        row["company"], row["department"], row["position"], row["surname"], row["given"], row["email"],
        row["postal_code"], row["address"], row["phone"], "", "", "", row["mobile"], row["url"], day, "",
        "", "",
    ]  # fmt: skip


def _csv(rows: Iterable[Iterable[Any]], newline: str = "\r\n") -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator=newline).writerows(rows)
    return text.getvalue()


def _euc(text: str) -> bytes:
    """EUC-JP, in which a geta stands for what it lacks, such as 髙 and ㈱."""
    return b"".join(sign.encode("euc_jp", "ignore") or "〓".encode("euc_jp") for sign in text)


def _eight(name: str, cards: list[Card], is_odd: bool) -> tuple[str, bytes, int]:
    preamble = f"Eightで生成された名刺リストです。\r\n合計 {len(cards)} 件\r\n*注意事項\r\n\r\n\r\n"
    text = preamble + _csv([EIGHT, *(_eight_row(card, _slashed(card.day)) for card in cards)])
    return f"lists/{name}/eight_meishi.csv", _euc(text) if is_odd else text.encode("cp932"), 7


def _sansan(name: str, cards: list[Card], is_odd: bool) -> tuple[str, bytes, int]:
    rows = [
        [
            row["company"], row["department"], row["position"], f"{row['surname']}　{row['given']}",
            row["surname"], row["given"], f"{row['surname_kana']}　{row['given_kana']}", row["postal_code"],
            row["address"], row["phone"], "", row["email"], row["mobile"], _slashed(card.day), name, "",
        ]
        for card in cards
        for row in [card.row]
    ]  # fmt: skip
    text = _csv([SANSAN, *rows])
    content = BOM_UTF16_LE + text.encode("utf-16-le") if is_odd else text.encode("utf-8-sig")
    return f"lists/{name}/sansan_export.csv", content, 2


def _workbook(name: str, cards: list[Card], is_odd: bool) -> tuple[str, bytes, int]:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "名刺一覧"
    sheet.append(list(EIGHT))
    for card in cards:
        sheet.append(
            [cell or None for cell in _eight_row(card, datetime.combine(card.day, datetime.min.time()))]
        )
    raw = io.BytesIO()
    book.save(raw)
    return f"lists/{name}/meishi.xlsx", _timeless(raw.getvalue(), cards[0].day), 2


def _timeless(archive: bytes, day: date) -> bytes:
    """The workbook with the list's own day in place of the clock, stored so that no zlib matters."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as book, zipfile.ZipFile(out, "w") as copy:
        for name in sorted(book.namelist()):
            content = book.read(name)
            if name == "docProps/core.xml":
                stamp = rb"\g<1>" + f"{day}T00:00:00Z".encode() + rb"\g<2>"
                content = re.sub(rb"(<dcterms:\w+[^>]*>)[^<]*(</dcterms:)", stamp, content)
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            copy.writestr(entry, content)
    return out.getvalue()


def _write_crm(world: World, landing: Path, written: Written) -> None:
    """Monthly exports: states as the month left them, events as they came."""
    for table, columns in CRM.items():
        header = columns.split()
        entries = sorted(
            world.diary.sales.get(table, []),
            key=lambda entry: (entry[0], [str(entry[1].get(c, "")) for c in header]),
        )
        for month, rows in _by_month(entries).items():
            if table in _STATE_TABLES:
                rows = list({row[_STATE_TABLES[table]]: row for row in rows}.values())
            text = _csv([header, *([row.get(column, "") for column in header] for row in rows)], "\n")
            _put(landing, f"crm/{table}/{table}-{month}.csv", text.encode(), len(rows), written)


def _write_costs(costs: list[Cost], landing: Path, written: Written) -> None:
    header = ["campaign_id", "campaign_name", "channel", "cost_kind", "cost_on", "amount_jpy"]
    for year in sorted({cost.day.year for cost in costs}):
        rows = [
            [cost.campaign_id, cost.name, cost.channel, cost.kind, cost.day.isoformat(), cost.amount_jpy]
            for cost in costs
            if cost.day.year == year
        ]
        _put(landing, f"costs/costs-{year}.csv", _csv([header, *rows], "\n").encode(), len(rows), written)
