"""Text of people and companies, as typed -> one spelling, each distinct value once.

    *_raw column -> distinct values -> the pure functions below -> joined back in DuckDB

The functions are pure and total: any text gives a text or None, never an error. What a spelling means (is
this free mail, are these two one company) is SQL and rules further on.
"""

import csv
import re
import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path

import duckdb
import jaconv
import phonenumbers
import pyarrow as pa

PREFECTURES = tuple(
    [
        "北海道",
        "青森県",
        "岩手県",
        "宮城県",
        "秋田県",
        "山形県",
        "福島県",
        "茨城県",
        "栃木県",
        "群馬県",
        "埼玉県",
        "千葉県",
        "東京都",
        "神奈川県",
        "新潟県",
        "富山県",
        "石川県",
        "福井県",
        "山梨県",
        "長野県",
        "岐阜県",
        "静岡県",
        "愛知県",
        "三重県",
        "滋賀県",
        "京都府",
        "大阪府",
        "兵庫県",
        "奈良県",
        "和歌山県",
        "鳥取県",
        "島根県",
        "岡山県",
        "広島県",
        "山口県",
        "徳島県",
        "香川県",
        "愛媛県",
        "高知県",
        "福岡県",
        "佐賀県",
        "長崎県",
        "熊本県",
        "大分県",
        "宮崎県",
        "鹿児島県",
        "沖縄県",
    ]
)

_LEGAL_FORMS = re.compile(
    r"株式会社|有限会社|合同会社|合資会社|合名会社|相互会社"
    r"|(?:一般|公益|特定非営利活動)?(?:社団|財団)法人|(?:学校|医療|宗教|社会福祉|特定非営利活動|独立行政|国立大学)法人"
    r"|\((?:株|有|合|資|名|同|社|財|医|学|福)\)"
    r"|(?:[\s,.]|\b)(?:CO\.?,?\s*LTD\.?|COMPANY"
    r" LIMITED|INC\.?|CORP(?:\.|ORATION)?|LTD\.?|LLC\.?|K\.K\.|G\.K\.)(?=\W|$)",
    re.IGNORECASE,
)
_JOINERS = re.compile(r"[\s・･·•‐‑‒–—―−\-_,.'’]+")
_ADDRESS = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−ー－", "-"))
_EXTENSION = re.compile(r"(?:内線|ext\.?|x)\s*[:.]?\s*\d+.*$", re.IGNORECASE)


def _plain(text: str) -> str:
    """NFKC, trimmed of blanks and of signs that no one sees (zero width, byte order mark)."""
    return unicodedata.normalize("NFKC", text).strip(" \t\r\n\u200b\u200c\u200d\ufeff\u3000")


def email(text: str) -> str | None:
    """Mail address in lower case, NFKC, trimmed (`mailto:` and `<>` taken off); None if it is not one.

    The shape is that of the HTML standard's email field, with at least one dot in the domain.
    """
    plain = _plain(text).lower().removeprefix("mailto:").strip("<> ")
    return plain if len(plain) <= 254 and _ADDRESS.fullmatch(plain) else None


@cache
def _kanji_variants() -> dict[int, str]:
    """Old and variant forms of kanji in names -> the one form they are compared in (kanji_variants.csv)."""
    with (Path(__file__).parent / "kanji_variants.csv").open(encoding="utf-8", newline="") as file:
        folds = {row["variant"]: row["standard"] for row in csv.DictReader(file)}
    return {ord(variant): folds.get(standard, standard) for variant, standard in folds.items()}


def person_name(text: str) -> str | None:
    """A person's name, NFKC, every blank removed, kanji variants folded: `髙橋　純` and `高橋 純` are one."""
    return re.sub(r"\s+", "", _plain(text)).translate(_kanji_variants()) or None


def person_kana(text: str) -> str | None:
    """A reading in full-width katakana, blanks removed, whatever kana it was typed in."""
    name = person_name(text)
    return jaconv.hira2kata(name) if name else None


def company_name(text: str) -> str | None:
    """A company's name as shown: NFKC (so `㈱` reads `(株)`), inner blanks made single."""
    return re.sub(r"\s+", " ", _plain(text)) or None


def company_key(text: str) -> str | None:
    """A company's name for comparing: without legal form, blanks, dots and dashes, in capitals.

    A name that is nothing but a legal form keeps it, so that a key is None only for an empty name.
    """
    name = company_name(text)
    if not name:
        return None
    bare = _JOINERS.sub("", _LEGAL_FORMS.sub("", name))
    return (bare or name).upper()


def phone(text: str) -> str | None:
    """Phone number in E.164, Japan where no country is given; extensions dropped; None if impossible."""
    plain = _EXTENSION.sub("", _plain(text).translate(_DASHES)).replace("(0)", "")
    try:
        number = phonenumbers.parse(plain, "JP")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def prefecture(text: str) -> str | None:
    """The prefecture a text names or an address begins with (`東京`, `東京都千代田区...`), else None."""
    plain = re.sub(r"^(?:〒?\s*\d{3}-?\d{4})?\s*", "", _plain(text).translate(_DASHES))
    for name in PREFECTURES:
        if plain.startswith(name) or plain == name[:-1]:
            return name
    return None


NORMALISED: dict[str, tuple[str, Callable[[str], str | None]]] = {
    "email": ("email_raw", email),
    "recipient": ("recipient_raw", email),
    "person_name": ("person_name_raw", person_name),
    "person_kana": ("person_kana", person_kana),
    "company_name": ("company_name_raw", company_name),
    "company_key": ("company_name_raw", company_key),
    "phone": ("phone_raw", phone),
    "mobile": ("mobile_raw", phone),
    "prefecture": ("prefecture_raw", prefecture),
}
"""Normalised column -> the column it comes from and how."""


def normalised(con: duckdb.DuckDBPyConnection, view: str, columns: list[str]) -> str:
    """SQL of `view` with its normalised columns, made from the distinct values of the columns they come from.

    `columns` are those that the raw table has; a column of NORMALISED is made if `view` holds its origin.
    """
    have = {row[0] for row in con.execute(f"describe {view}").fetchall()}
    wanted = [name for name in columns if name in NORMALISED and NORMALISED[name][0] in have]
    joins = "".join(_join(con, view, name) for name in wanted)
    replaced = "".join(f", spelling_{name}.value as {name}" for name in wanted)
    kept = "" if not (twice := have & set(wanted)) else f" exclude ({', '.join(sorted(twice))})"
    return f"select rows.*{kept}{replaced} from {view} as rows{joins}"


def _join(con: duckdb.DuckDBPyConnection, view: str, name: str) -> str:
    """Registers the spellings of one column as `known_<name>` and returns the join to it."""
    origin, function = NORMALISED[name]
    found = con.execute(f"select distinct {origin} from {view} where {origin} is not null").fetchall()
    texts = [row[0] for row in found]
    con.register(
        f"known_{name}",
        pa.table(
            {
                "text": pa.array(texts, pa.string()),
                "value": pa.array([function(text) for text in texts], pa.string()),
            }
        ),
    )
    return f" left join known_{name} as spelling_{name} on spelling_{name}.text = rows.{origin}"
