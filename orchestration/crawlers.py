"""Crawlers: from the public list of crawlers that name themselves to a rule CSV of the behaviour stage.

    crawler-user-agents (PyPI, MIT)  ->  dbt_project/models/3_behaviour/crawler_user_agents.csv

    python -m orchestration.crawlers            # writes the CSV anew after the package was updated

The list holds regular expressions, our models speak LIKE as both engines do. Each expression becomes one or
more LIKE patterns in small letters: a choice becomes several, a class or a dot one unknown letter (`_`), a
repetition `%`. A short word is sought where words begin: `sonic` is a crawler, Panasonic is none.
A test holds the patterns against every example of the list and against real browsers.
"""

from __future__ import annotations

import csv
import io
import json
import re
from importlib.resources import files
from itertools import product
from pathlib import Path
from re import _constants as codes
from re import _parser as parser
from typing import Any

from orchestration.home import PROJECT

SEED = PROJECT / "models" / "3_behaviour" / "crawler_user_agents.csv"
HEADER = ("rule_id", "pattern", "name", "why")
FEWEST_LETTERS = 3  # a shorter pattern would find browsers too
SHORT_WORD = 6
WORD_BEGINS = ("", "% ", "%(", "%;")


def listed() -> list[dict[str, Any]]:
    """The entries of the installed package, each with `pattern` and `instances`."""
    return json.loads((files("crawleruseragents") / "crawler-user-agents.json").read_text(encoding="utf-8"))


def like_patterns(expression: str) -> list[str]:
    """LIKE patterns in small letters that find what a regular expression finds.

    Raises:
        ValueError: the expression uses what LIKE cannot say (a look-ahead, a back reference).
    """
    made = (_trimmed(f"%{body}%") for body in _alternatives(parser.parse(expression)))
    return sorted({pattern for whole in made for pattern in _at_word_begins(whole.replace("'", "_"))})


def seed_text() -> str:
    """The whole CSV: one row per pattern, in the order of the rules' names."""
    rows: dict[str, tuple[str, str, str, str]] = {}
    for entry in listed():
        for pattern in like_patterns(entry["pattern"]):
            if len(pattern.strip("%_ ")) >= FEWEST_LETTERS:
                name = re.sub(r"[^a-z0-9]+", "_", pattern).strip("_")
                why = (entry.get("description") or "Names itself").replace("'", "").replace("\n", " ")
                rows.setdefault(pattern, (f"crawler_{name}", pattern, name.replace("_", " "), why))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(_with_own_names(sorted(rows.values())))
    return out.getvalue()


def write(seed: Path = SEED) -> int:
    """Write the CSV; returns its rows."""
    text = seed_text()
    seed.write_text(text, encoding="utf-8")
    return text.count("\n") - 1


def _with_own_names(rows: list[tuple[str, str, str, str]]) -> list[tuple[str, str, str, str]]:
    """Two patterns that differ in signs only get a number each."""
    seen: dict[str, int] = {}
    named = []
    for rule, pattern, name, why in rows:
        seen[rule] = seen.get(rule, 0) + 1
        named.append((rule if seen[rule] == 1 else f"{rule}_{seen[rule]}", pattern, name, why))
    return named


def _alternatives(parsed: Any) -> list[str]:
    """Every way through a parsed expression as text with % and _; ^ and $ as marks for `_trimmed`."""
    return ["".join(parts) for parts in product(*(_ways(code, value) for code, value in parsed))]


def _ways(code: Any, value: Any) -> list[str]:
    if code is codes.LITERAL:
        return [chr(value).lower()]
    if code in (codes.ANY, codes.NOT_LITERAL):
        return ["_"]
    if code is codes.IN:
        return _of_class(value)
    if code is codes.AT:
        return ["\x02" if value in (codes.AT_BEGINNING, codes.AT_BEGINNING_STRING) else "\x03"]
    if code is codes.SUBPATTERN:
        return _alternatives(value[-1])
    if code is codes.BRANCH:
        return [way for branch in value[1] for way in _alternatives(branch)]
    if code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
        return ["%"]
    raise ValueError(f"a LIKE pattern cannot say {code} of the crawler list: write the rule by hand")


def _of_class(value: Any) -> list[str]:
    letters = {chr(v).lower() for c, v in value if c is codes.LITERAL}
    only_letters = all(c is codes.LITERAL for c, _ in value)
    return sorted(letters) if only_letters and len(letters) == 1 else ["_"]


def _at_word_begins(pattern: str) -> list[str]:
    """A short word with something before it becomes one pattern for each way a word begins."""
    word = pattern.strip("%")
    if len(word) > SHORT_WORD or not pattern.startswith("%") or not word[:1].isalnum():
        return [pattern]
    return [begin + word + "%" for begin in WORD_BEGINS]


def _trimmed(pattern: str) -> str:
    """Begin and end marks take the % that stands before and behind them away."""
    pattern = re.sub(r"^%?\x02", "", pattern)
    pattern = re.sub(r"\x03%?$", "", pattern)
    return re.sub(r"%+", "%", pattern.replace("\x02", "").replace("\x03", ""))


if __name__ == "__main__":
    print(f"{write()} patterns in {SEED}")
