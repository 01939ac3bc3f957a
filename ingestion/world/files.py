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
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa

from .behaviour import World
from .campaigns import Cost
from .clock import local_day, midnight, month_name
from .diary import Card, Identifier, Request
from .dice import Dice

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
    requests: list[tuple[Request, str]] = field(default_factory=list)  # each with its file
    list_rows: list[Identifier] = field(default_factory=list)


def write_files(world: World, landing: Path) -> Written:
    """Write every file below `landing`."""
    written = Written()
    _write_web(world, landing, written)
    _write_forms(world, landing, written)
    _write_mail_events(world, landing, written)
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


def _write_web(world: World, landing: Path, written: Written) -> None:
    """One log a month, sorted; identical lines are one request. All but the last two months are gzipped."""
    months = _logs(world)
    late_month = _late_month(list(months))
    if late_month:
        _set_late_lines_apart(world, months, late_month)
    plain = set(sorted(name for name in months if not name.endswith("late"))[-2:])
    for name, requests in months.items():
        content = "".join(f"{request.line}\n" for request in requests).encode()
        packed = name not in plain and not name.endswith("late")
        path = f"web/www/access-{name}.log" + (".gz" if packed else "")
        _put(landing, path, gzipped(content) if packed else content, len(requests), written)
        written.requests += [(request, path) for request in requests]
    _repeat_one(world, landing, written)


def _logs(world: World) -> dict[str, list[Request]]:
    ordered = sorted(world.diary.requests, key=lambda request: (request.moment, request.line))
    once = {request.line: request for request in ordered}
    months: dict[str, list[Request]] = {}
    for request in once.values():
        months.setdefault(month_name(local_day(request.moment)), []).append(request)
    return months


def _late_month(months: list[str]) -> str:
    """The last March that is not the newest month; else the middle month; none in a world of one month."""
    older = months[:-1]
    marches = [name for name in older if name.endswith("-03")]
    return marches[-1] if marches else (older[len(older) // 2] if older else "")


def _set_late_lines_apart(world: World, months: dict[str, list[Request]], month: str) -> None:
    dice = Dice(world.seed, "trouble", "late lines")
    late = {request.line for request in months[month] if dice.chance(world.trouble("late_lines"))}
    names = sorted(months)
    arrives = names[min(len(names) - 1, names.index(month) + 3)]
    if late:
        months[f"{arrives}-late"] = [request for request in months[month] if request.line in late]
        months[month] = [request for request in months[month] if request.line not in late]


def _repeat_one(world: World, landing: Path, written: Written) -> None:
    archives = sorted(path for path in written.lines if path.endswith(".log.gz"))
    if world.trouble("repeated_file") and archives:
        path = archives[len(archives) // 3]
        copy = path.replace("access-", "copy-of-access-")
        _put(landing, copy, (landing / path).read_bytes(), written.lines[path], written)


def _json_lines(rows: Iterable[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _by_month(entries: Iterable[tuple[int, Any]]) -> dict[str, list[Any]]:
    months: dict[str, list[Any]] = {}
    for moment, entry in entries:
        months.setdefault(month_name(local_day(moment)), []).append(entry)
    return months


def _write_forms(world: World, landing: Path, written: Written) -> None:
    entries = sorted(world.diary.submissions, key=lambda entry: (entry.moment, entry.row["submission_id"]))
    for month, rows in _by_month((entry.moment, entry.row) for entry in entries).items():
        _put(landing, f"forms/site/submissions-{month}.jsonl", _json_lines(rows), len(rows), written)


def _write_mail_events(world: World, landing: Path, written: Written) -> None:
    """Lines, but for the first month, which was kept as arrays as the webhook posts them."""
    entries = sorted(world.diary.mail_events, key=lambda event: (event.moment, event.row["sg_event_id"]))
    for number, (month, rows) in enumerate(_by_month((entry.moment, entry.row) for entry in entries).items()):
        if number == 0:
            content = json.dumps(rows, ensure_ascii=False, indent=1).encode()
            _put(landing, f"email/sendgrid/events-{month}.json", content, len(rows), written)
        else:
            _put(landing, f"email/sendgrid/events-{month}.jsonl", _json_lines(rows), len(rows), written)


def _write_lists(world: World, landing: Path, written: Written) -> None:
    """One list an exhibition: the layouts take turns, so that each exists when there are three."""
    layouts = (_eight, _sansan, _workbook)
    for number, show in enumerate(world.campaigns.exhibitions):
        cards = [card for card in world.diary.cards if card.list_name == show.campaign_id]
        cards.sort(key=lambda card: (card.day, Dice(world.seed, "pile", card.person_key, card.day).random()))
        if cards:
            path, content, first_row = layouts[number % 3](show.campaign_id, cards)
            _put(landing, path, content, len(cards), written)
            written.list_rows += [
                _list_row(path, first_row + place, card) for place, card in enumerate(cards)
            ]


def _list_row(path: str, row: int, card: Card) -> Identifier:
    moment = midnight(card.day)
    return Identifier("list_row", f"{path.removeprefix('lists/')}:{row}", card.person_key, moment, moment)


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


def _eight(name: str, cards: list[Card]) -> tuple[str, bytes, int]:
    preamble = f"Eightで生成された名刺リストです。\r\n合計 {len(cards)} 件\r\n*注意事項\r\n\r\n\r\n"
    text = preamble + _csv([EIGHT, *(_eight_row(card, _slashed(card.day)) for card in cards)])
    return f"lists/{name}/eight_meishi.csv", text.encode("cp932"), 7


def _sansan(name: str, cards: list[Card]) -> tuple[str, bytes, int]:
    rows = [
        [
            row["company"], row["department"], row["position"], f"{row['surname']}　{row['given']}",
            row["surname"], row["given"], f"{row['surname_kana']}　{row['given_kana']}", row["postal_code"],
            row["address"], row["phone"], "", row["email"], row["mobile"], _slashed(card.day), name, "",
        ]
        for card in cards
        for row in [card.row]
    ]  # fmt: skip
    return f"lists/{name}/sansan_export.csv", _csv([SANSAN, *rows]).encode("utf-8-sig"), 2


def _workbook(name: str, cards: list[Card]) -> tuple[str, bytes, int]:
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
