"""Japanese words of the world and the many ways in which they are written.

Vocabulary only: people, companies, places, departments, and functions that respell a text.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

from .dice import Dice

INDUSTRY_SHARES = {
    "製造業": 30.0, "情報通信業": 14.0, "小売業": 13.0, "建設業": 10.0, "金融業": 8.0, "医療": 7.0,
    "運輸業": 7.0, "不動産業": 5.0, "その他": 6.0,
}  # fmt: skip

DEPARTMENTS = {
    "情報システム部": 16.0, "経営企画室": 10.0, "営業部": 11.0, "営業企画部": 6.0, "マーケティング部": 9.0,
    "製造部": 7.0, "生産管理部": 7.0, "経理部": 6.0, "財務部": 3.0, "総務部": 7.0, "人事部": 3.0,
    "購買部": 4.0, "品質保証部": 3.0, "DX推進室": 5.0, "研究開発本部": 3.0,
}  # fmt: skip
POSITIONS = {"部長": 9.0, "次長": 4.0, "課長": 19.0, "係長": 8.0, "主任": 20.0, "担当": 33.0, "": 7.0}
SMALL_POSITIONS = {"代表取締役": 30.0, "取締役": 15.0, "部長": 15.0, "課長": 10.0, "担当": 30.0}

# Old and new forms that both stay within cp932, so that every list can hold them.
OLD_FORMS = {
    "高橋": ("髙橋",),
    "高木": ("髙木",),
    "高田": ("髙田",),
    "斎藤": ("齋藤", "齊藤", "斉藤"),
    "渡辺": ("渡邊", "渡邉"),
    "山崎": ("山﨑",),
    "宮崎": ("宮﨑",),
    "岩崎": ("岩﨑",),
    "黒沢": ("黒澤",),
    "広瀬": ("廣瀬", "廣瀨"),
    "桜井": ("櫻井",),
    "浜田": ("濱田", "濵田"),
    "徳永": ("德永",),
    "川辺": ("川邊",),
    "中島": ("中嶋",),
    "長谷川": (),
}


# What each official department truly is, and how else its people write it.
DEPARTMENT_CATEGORIES = {
    "情報システム部": "it", "DX推進室": "it", "経営企画室": "management", "営業部": "sales",
    "営業企画部": "sales", "マーケティング部": "marketing", "製造部": "production",
    "生産管理部": "production", "品質保証部": "production", "経理部": "finance", "財務部": "finance",
    "総務部": "hr", "人事部": "hr", "購買部": "purchasing", "研究開発本部": "research",
}  # fmt: skip
DEPARTMENT_VARIANTS = {
    "情報システム部": ("情シス", "システム本部", "ＩＴ統括部", "デジタル基盤部"),
    "DX推進室": ("ＤＸ推進室", "デジタル推進部"),
    "経営企画室": ("経営企画本部", "社長室"),
    "営業部": ("第一営業部", "営業本部 営業一課", "法人セールス部"),
    "営業企画部": ("営業統括部",),
    "マーケティング部": ("宣伝部", "広報宣伝部", "販売促進課"),
    "製造部": ("工場", "製造一課"),
    "生産管理部": ("生産技術部",),
    "品質保証部": ("品証部", "品質管理課"),
    "経理部": ("経理課", "会計課"),
    "財務部": ("財務課",),
    "総務部": ("総務課", "管理部"),
    "人事部": ("人事課", "人財開発部"),
    "購買部": ("資材部", "調達課"),
    "研究開発本部": ("R&Dセンター", "研究所"),
}


class Prefecture(NamedTuple):
    """A prefecture: its share of the world's companies and how its addresses and phones begin."""

    name: str
    share: float
    city: str
    postal: str
    area_code: str
    sales_area: str


class Words(NamedTuple):
    """The vocabulary in `words.yml`: (kanji, kana, romaji) of people, (kanji, romaji) of companies."""

    surnames: list[tuple[str, ...]]
    given_names: list[tuple[str, ...]]
    stems: list[tuple[str, ...]]
    trades: dict[str, list[tuple[str, ...]]]
    prefectures: dict[str, Prefecture]


@cache
def words() -> Words:
    """Read the vocabulary once."""
    text = yaml.safe_load(Path(__file__).with_name("words.yml").read_text(encoding="utf-8"))
    places = [Prefecture(name, float(share), *rest) for name, share, *rest in _rows(text["prefectures"])]
    return Words(
        _rows(text["surnames"]),
        _rows(text["given_names"]),
        _rows(text["stems"]),
        {industry: _rows(trades) for industry, trades in text["trades"].items()},
        {place.name: place for place in places},
    )


def _rows(text: str) -> list[tuple[str, ...]]:
    return [tuple(line.split()) for line in text.splitlines() if line]


def old_form(surname: str, dice: Dice) -> str:
    """The surname in one of its old forms (髙橋 for 高橋), or as it is when it has none."""
    forms = OLD_FORMS.get(surname)
    return dice.pick(forms) if forms else surname


def full_width(text: str) -> str:
    """Letters, digits and signs in full width: `03-1` becomes `０３－１`."""
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


def _half_kana() -> dict[str, str]:
    singles = [chr(code) for code in range(0xFF66, 0xFF9E)]
    table = {unicodedata.normalize("NFKC", half): half for half in singles}
    for half in singles:
        for mark in "ﾞﾟ":
            voiced = unicodedata.normalize("NFKC", half + mark)
            if len(voiced) == 1:
                table[voiced] = half + mark
    return table | {"ー": "ｰ"}


_HALF_KANA = _half_kana()


def half_width_kana(text: str) -> str:
    """Katakana in half width: `サトウ` becomes `ｻﾄｳ`."""
    return "".join(_HALF_KANA.get(sign, sign) for sign in text)


def written_name(surname: str, given: str, dice: Dice) -> str:
    """Surname and given name with a full-width space, no space or two of them."""
    return surname + dice.pick(("　", "", "  ")) + given


def written_company(base: str, before: bool, dice: Dice) -> str:
    """The company with its legal form as somebody wrote it: ㈱, (株), （株）, or 株式会社 with a space."""
    form = dice.pick(("㈱", "(株)", "（株）", "株式会社 ", "㈱ "))
    before = before != dice.chance(0.08)  # a few put the form on the wrong side
    return form + base if before else base + form.strip()


def written_phone(phone: str, dice: Dice) -> str:
    """`03-1234-5678` without hyphens, in full width, in brackets or with +81."""
    area, local, number = phone.split("-")
    return dice.pick(
        (area + local + number, full_width(phone), f"({area}){local}-{number}",
         f"+81-{area[1:]}-{local}-{number}", f"{area} {local} {number}")
    )  # fmt: skip
