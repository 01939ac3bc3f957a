"""The tables that the invented company's people and tools would save: lists, CRM, costs, other desks.

Exhibition lists take turns (Eight in cp932, Sansan in UTF-8 with BOM, XLSX); the CRM exports by month; the
other desks save as Excel does in Japan, or as JSON lines.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from codecs import BOM_UTF16_LE
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl

from .behaviour import World
from .campaigns import Cost
from .clock import midnight
from .diary import Card, Identifier
from .dice import Dice
from .landing import Written, by_month, by_year, csv_text, put

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
    "employees corporate_number product_id source campaign_id owner_id status created_at updated_at",
    "opportunities": "opportunity_id lead_id company name product_id amount_jpy stage owner_id created_at "
    "closed_at updated_at",
    "opportunity_stages": "opportunity_id stage entered_at",
    "orders": "order_id opportunity_id lead_id email product_id amount_jpy gross_margin_jpy ordered_at "
    "updated_at",
    "owners": "owner_id owner_name email unit_id updated_at",
    "activities": "activity_id lead_id opportunity_id owner_id activity_type subject outcome occurred_at",
}
_SURVEYS = {
    "回答id": "answer_id", "アンケートid": "survey_id", "アンケート名": "survey_name",
    "設問id": "question_id", "設問": "question", "回答": "answer", "回答日": "answered_at",
    "メールアドレス": "email", "氏名": "name", "会社名": "company", "部署名": "department",
    "役職": "position", "電話番号": "phone", "キャンペーンid": "campaign_id", "製品id": "product_id",
}  # fmt: skip
_TOUCHES = {
    "接触id": "touch_id", "接触種別": "touch_type", "日時": "occurred_at", "方向": "direction",
    "結果": "outcome", "件名": "subject", "メールアドレス": "email", "氏名": "name", "会社名": "company",
    "部署名": "department", "電話番号": "phone", "都道府県": "prefecture", "キャンペーンid": "campaign_id",
    "製品id": "product_id",
}  # fmt: skip
_DESK_LINES = {"tickets": "service/desk", "points": "points/shop", "social": "social/posts"}  # JSON lines
_STATE_TABLES = {"leads": "lead_id", "opportunities": "opportunity_id"}  # exported as the month left them


def write_sheets(world: World, landing: Path, written: Written) -> None:
    """Write every table below `landing`."""
    _write_lists(world, landing, written)
    _write_crm(world, landing, written)
    _write_costs(world.campaigns.costs, landing, written)
    _write_desks(world, landing, written)


def _write_lists(world: World, landing: Path, written: Written) -> None:
    """One list an exhibition: the layouts take turns, so that each exists when there are three."""
    layouts = (_eight, _sansan, _workbook)
    for number, show in enumerate(world.campaigns.exhibitions):
        cards = [card for card in world.diary.cards if card.list_name == show.campaign_id]
        cards.sort(key=lambda card: (card.day, Dice(world.seed, "pile", card.person_key, card.day).random()))
        if cards:
            is_odd = number % 3 < 2 and world.befalls("wrong_encoding", show.campaign_id)
            path, content, first_row = layouts[number % 3](show.campaign_id, cards, is_odd)
            put(landing, path, content, len(cards), written)
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


def _euc(text: str) -> bytes:
    """EUC-JP, in which a geta stands for what it lacks, such as 髙 and ㈱."""
    return b"".join(sign.encode("euc_jp", "ignore") or "〓".encode("euc_jp") for sign in text)


def _eight(name: str, cards: list[Card], is_odd: bool) -> tuple[str, bytes, int]:
    preamble = f"Eightで生成された名刺リストです。\r\n合計 {len(cards)} 件\r\n*注意事項\r\n\r\n\r\n"
    text = preamble + csv_text([EIGHT, *(_eight_row(card, _slashed(card.day)) for card in cards)])
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
    text = csv_text([SANSAN, *rows])
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
        for month, rows in by_month(entries).items():
            if table in _STATE_TABLES:
                rows = list({row[_STATE_TABLES[table]]: row for row in rows}.values())
            text = csv_text([header, *([row.get(column, "") for column in header] for row in rows)], "\n")
            put(landing, f"crm/{table}/{table}-{month}.csv", text.encode(), len(rows), written)


def _write_costs(costs: list[Cost], landing: Path, written: Written) -> None:
    header = ["campaign_id", "campaign_name", "channel", "cost_kind", "cost_on", "amount_jpy"]
    for year in sorted({cost.day.year for cost in costs}):
        rows = [
            [cost.campaign_id, cost.name, cost.channel, cost.kind, cost.day.isoformat(), cost.amount_jpy]
            for cost in costs
            if cost.day.year == year
        ]
        put(landing, f"costs/costs-{year}.csv", csv_text([header, *rows], "\n").encode(), len(rows), written)


def _write_desks(world: World, landing: Path, written: Written) -> None:
    """Questionnaires and lists of letters as Excel saves them in Japan, the rest as tools export."""
    desks = {kind: sorted(rows, key=_by_content) for kind, rows in world.diary.desks.items()}
    surveys = [row for _, row in desks.get("surveys", [])]
    for show in sorted({row["survey_id"] for row in surveys}):
        rows = [row for row in surveys if row["survey_id"] == show]
        _put_sheet(landing, f"surveys/{show}/来場者アンケート.csv", _SURVEYS, rows, written)
    for month, rows in by_month(desks.get("touches", [])).items():
        _put_sheet(landing, f"touches/call-centre/letters-{month}.csv", _TOUCHES, rows, written)
    for kind, stem in _DESK_LINES.items():
        for year, rows in by_year(desks.get(kind, [])).items():
            text = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
            put(landing, f"{stem}-{year}.jsonl", text.encode(), len(rows), written)
    for kind, stem in (("ab", "ab/download-page"), ("budgets", "costs/budgets")):
        for year, rows in by_year(desks.get(kind, [])).items():
            text = csv_text([list(rows[0]), *(list(row.values()) for row in rows)], "\n")
            put(landing, f"{stem}-{year}.csv", text.encode(), len(rows), written)


def _by_content(entry: tuple[int, dict[str, Any]]) -> tuple[int, str]:
    return entry[0], json.dumps(entry[1], ensure_ascii=False)


def _put_sheet(
    landing: Path, path: str, columns: dict[str, str], rows: list[dict[str, Any]], written: Written
) -> None:
    text = csv_text([list(columns), *([row.get(name, "") for name in columns.values()] for row in rows)])
    put(landing, path, text.encode("cp932", "replace"), len(rows), written)
