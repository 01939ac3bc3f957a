"""From values and keys to text in the reader's language: `locales/{ja,en}.yml` and the formats of columns.

A column's format follows its name (`_jpy`, `_rate`, `_at`, `_on`, `month`), as style.md names columns; so an
author who names a column well has nothing more to say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

LOCALES = Path(__file__).parent / "locales"
GLOSSARY = Path(__file__).parent / "glossary.yml"
LANGUAGES = ("ja", "en")
NOTHING = "—"
# A column whose codes are those of other columns: of a cut, its member; the first that knows a code names it.
BORROWED = {
    "segment_id": ("channel", "form_kind", "topic_id", "product_id", "known"),
    "member_name": ("channel", "product_id"),
    "member_id": ("score_band",),
}
PATHS = {"channels": "channel"}  # a column that holds a path: the column whose codes its steps are
FORMATS = (
    (re.compile(r"(_rate|_share|_pct|^roi$|^confidence$|^probability$|rate_)"), "percent"),
    (re.compile(r"(_jpy|^cost_per_order)$"), "yen"),
    (re.compile(r"(^|_)month$"), "month"),
    (re.compile(r"_at$"), "time"),
    (re.compile(r"(_on|^as_of)$"), "day"),
    (re.compile(r"^value$"), "figure"),
    (re.compile(r"^(numerator|denominator)$"), "whole"),
    (re.compile(r"(^mean_|score|points|_days$)"), "decimal"),
)


@dataclass
class Words:
    """One language: the texts of `locales/<language>.yml`, and the zone in which times are shown."""

    language: str
    texts: dict[str, Any]
    zone: ZoneInfo
    missing: set[str] = field(default_factory=set)

    def text(self, key: str, **values: Any) -> str:
        """The text of a dotted key, such as `index.funnel`. A key that is missing is noted and shown as
        itself."""
        found: Any = self.texts
        for part in key.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        if not isinstance(found, str):
            self.missing.add(key)
            return key
        return found.format(**values) if values else found

    def label(self, column: str) -> str:
        """The name of a column for people."""
        return self.text(f"columns.{column}")

    def meaning(self, column: str) -> str | None:
        """What a column means, its formula in words; None where nothing needs saying."""
        return self.texts.get("meanings", {}).get(column)

    def value(self, column: str, value: Any) -> str:
        """A value as people write it in this language; a code (tier, channel) becomes its name."""
        if value is None:
            return NOTHING
        if isinstance(value, bool):
            return self.text("interface.yes" if value else "interface.no")
        if isinstance(value, str) and form_of(column) not in ("month", "day"):
            return self._named(column, value)
        if isinstance(value, str) and value in self.texts.get("values", {}).get(column, {}):
            return self._named(column, value)
        return FORMATTERS.get(form_of(column), _plain)(self, value)

    def in_unit(self, value: Any, unit: str | None, *, signed: bool = False) -> str:
        """A figure in the unit of its catalogue (`change`: now over before); `signed`: a difference of two,
        rates then in points."""
        if value is None:
            return NOTHING
        value, sign = float(value), "+" if signed and value > 0 else ""
        if unit == "fraction":
            points = f"{value * 100:,.2f}"
            return sign + (self.text("interface.rate_points", points=points) if signed else f"{points}%")
        if unit == "change":
            return f"{(value - 1) * 100:+,.1f}%"
        if unit == "JPY":
            return sign + _yen(self, value)
        return f"{sign}{value:,.0f}" if value == round(value) else f"{sign}{value:,.2f}"

    def _named(self, column: str, code: str) -> str:
        """The name of a code; of a path of codes (`channels`: 'card > email') the name of each step."""
        values = self.texts.get("values", {})
        if column in PATHS:
            steps = values.get(PATHS[column], {})
            return " → ".join(steps.get(step, step) for step in code.split(" > "))
        sources = (column, *BORROWED.get(column, ()))
        return next((values[each][code] for each in sources if code in values.get(each, {})), code)

    def in_order(self, column: str, values: set[Any]) -> list[Any]:
        """Codes in the order of the locale (from latent to loyal), other values by size."""
        codes = list(self.texts.get("values", {}).get(column, {}))
        return sorted(values, key=lambda value: (codes.index(value) if value in codes else -1, value))

    def local(self, moment: datetime) -> datetime:
        """A naive UTC time in the zone of the company."""
        return moment.replace(tzinfo=UTC).astimezone(self.zone)


def form_of(column: str) -> str:
    """The format that a column's name asks for; 'plain' when it asks for none."""
    return next((form for pattern, form in FORMATS if pattern.search(column)), "plain")


def _plain(words: Words, value: Any) -> str:
    if isinstance(value, datetime):
        return _time(words, value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float | Decimal):
        return _decimal(words, value)
    return str(value)


def _percent(words: Words, value: Any) -> str:
    percent = float(value) * 100
    # An action rate of 0.2 % needs its second digit; 35 % does not.
    return f"{percent:.2f}%" if 0 < abs(percent) < 10 else f"{percent:,.1f}%"


def _yen(words: Words, value: Any) -> str:
    return f"{'−' if value < 0 else ''}¥{abs(round(value)):,}"


def _decimal(words: Words, value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def _whole(words: Words, value: Any) -> str:
    """A count without decimals; what is no whole number keeps two."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def _figure(words: Words, value: Any) -> str:
    """Four digits, or as many as keep 0.99996 from showing as 1 and 0.00004 as 0."""
    text = f"{value:,.4f}"
    rounded_away = float(text.replace(",", "")) in (0.0, 1.0) and value not in (0, 1)
    return f"{value:.9f}".rstrip("0") if rounded_away else text


def _month(words: Words, value: Any) -> str:
    if isinstance(value, str) and not re.match(r"\d{4}-\d{2}", value):
        return value
    month = date.fromisoformat(f"{value}-01"[:10]) if isinstance(value, str) else value
    return words.text("interface.month_form", year=month.year, month=f"{month.month:02d}", plain=month.month)


def _time(words: Words, value: Any) -> str:
    if not isinstance(value, datetime):
        return str(value)
    return words.local(value).strftime("%Y-%m-%d %H:%M")


FORMATTERS = {
    "percent": _percent,
    "yen": _yen,
    "decimal": _decimal,
    "figure": _figure,
    "whole": _whole,
    "month": _month,
    "time": _time,
}


@lru_cache(maxsize=16)
def _read_locale(path: Path, changed_at: int) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def read_words(language: str, zone: str) -> Words:
    """The words of a language, read again when the file changed. Raises OSError, yaml.YAMLError."""
    path = LOCALES / f"{language}.yml"
    return Words(language, _read_locale(path, path.stat().st_mtime_ns), ZoneInfo(zone))


def read_glossary(words: Words) -> list[dict[str, Any]]:
    """Parts of the glossary: `title` and `words`, each a key, a name and a meaning: ideas, then columns.

    Raises OSError, yaml.YAMLError, KeyError when a word lacks its name or meaning in a language.
    """
    ideas = [
        {"key": each["word"], "name": each[words.language], "means": each["means"][words.language]}
        for each in _read_locale(GLOSSARY, GLOSSARY.stat().st_mtime_ns)["words"]
    ]
    columns = [
        {"key": column, "name": words.label(column), "means": meaning}
        for column, meaning in words.texts["meanings"].items()
    ]
    by_name = sorted(columns, key=lambda each: each["name"])
    titles = (words.text("glossary.ideas"), words.text("glossary.columns"))
    return [{"title": title, "words": part} for title, part in zip(titles, (ideas, by_name), strict=True)]


def choose_language(asked: str | None, accept: str | None) -> str:
    """`?lang=` if it is one of ours, else the best of the Accept-Language header (RFC 9110, 12.5.4), else
    ja."""
    if asked in LANGUAGES:
        return asked
    weighed = []
    for position, part in enumerate((accept or "").split(",")):
        tag, _, weight = part.strip().partition(";q=")
        language = tag.strip().lower().split("-")[0]
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            quality = 0.0
        if language in LANGUAGES and quality > 0:
            weighed.append((-quality, position, language))
    return min(weighed)[2] if weighed else "ja"
