"""A `columns.yml` beside landed tables -> what their headers mean, and what holds for every row of them.

columns:                    # header as in the file: field; of several for one field the first that is filled
  貴社: company
  ご担当者様: name
every_row:                  # a field that the file has no column for
  collected_on: 2026-05-20
  list_owner: marketing
encoding: cp932             # only where the file can be read in several
words:                      # what another tool's words are here
  touch_type:
    '11': {is: email_clicked, why: Click Email}
prefix:                     # an id that is one only within its tool
  lead_id: 'marketo:'
empty: ['null']             # texts that stand for nothing
"""

import codecs
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

from ingestion.files import Found, Unreadable

MAPPING = "columns.yml"
"""Name of a mapping, in the folder of the files it is for or one above it below the source's folder."""

_SAYS = ("columns", "every_row", "encoding", "words", "prefix", "empty")


@dataclass(frozen=True)
class Mapping:
    """Header spelling -> field, field -> value of every row, and the encoding that a person has named.

    words: field -> word of the file -> our word; prefix: field -> what goes before its ids; empty: texts
    that stand for an empty cell.
    """

    headers: dict[str, str] = field(default_factory=dict)
    every_row: dict[str, str] = field(default_factory=dict)
    encoding: str | None = None
    words: dict[str, dict[str, str]] = field(default_factory=dict)
    prefix: dict[str, str] = field(default_factory=dict)
    empty: frozenset[str] = frozenset()

    def filled(self, cells: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
        """Names and texts without those that say nothing."""
        if not self.empty:
            return cells
        return ((name, text) for name, text in cells if text.strip() not in self.empty)

    @property
    def is_silent(self) -> bool:
        """Whether it changes no field (it may name the encoding)."""
        return replace(self, encoding=None) == Mapping()

    def meant(self, record: dict[str, str]) -> dict[str, str]:
        """A record's fields in our words, its ids under the name of their tool; an unknown word stays."""
        told = {
            name: known.get(record[name].strip(), record[name])
            for name, known in self.words.items()
            if name in record
        }
        ids = {
            name: before + record[name].strip()
            for name, before in self.prefix.items()
            if record.get(name, "").strip() not in ("", "-")
        }
        return record | told | ids


def beside(found: Found, fields: Collection[str], spelled: Callable[[str], str]) -> Mapping:
    """The mapping nearest to a file, empty if there is none.

    Raises Unreadable saying what is wrong in it and what may stand there.
    """
    folder = found.file.parent
    for _ in found.stream.split("/"):
        if (file := folder / MAPPING).is_file():
            return _read(file, fields, spelled)
        folder = folder.parent
    return Mapping()


def _read(file: Path, fields: Collection[str], spelled: Callable[[str], str]) -> Mapping:
    try:
        said = yaml.safe_load(file.read_text(encoding="utf-8-sig")) or {}
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        raise Unreadable(
            f"cannot be read because its {MAPPING}{line} is not YAML in UTF-8: mend it"
        ) from error
    if not isinstance(said, dict) or set(said) - set(_SAYS):
        raise Unreadable(f"has a {MAPPING} that says something unknown: it may say {', '.join(_SAYS)}")
    headers = {spelled(header): meant for header, meant in _texts(said, "columns").items()}
    every_row, prefix, words = _texts(said, "every_row"), _texts(said, "prefix"), _words(said)
    if unknown := sorted({*headers.values(), *every_row, *prefix, *words} - set(fields)):
        raise Unreadable(
            f"has a {MAPPING} whose field {unknown[0]} does not exist: the fields are {', '.join(fields)}"
        )
    return Mapping(headers, every_row, _encoding(said.get("encoding")), words, prefix, _empty(said))


def _words(said: dict) -> dict[str, dict[str, str]]:
    """Field -> word of the file -> our word; each word says why, since it decides what is scored."""
    parts = said.get("words") or {}
    is_nested = isinstance(parts, dict) and all(isinstance(known, dict) for known in parts.values())
    if not is_nested or not all(_is_word(how) for known in parts.values() for how in known.values()):
        raise Unreadable(
            f"has a {MAPPING} whose words are not lines of `word: {{is: our word, why: reason}}` below the"
            " name of a field: mend it"
        )
    return {name: {str(word): str(how["is"]) for word, how in known.items()} for name, known in parts.items()}


def _is_word(how: object) -> bool:
    return isinstance(how, dict) and set(how) == {"is", "why"} and all(how.values())


def _empty(said: dict) -> frozenset[str]:
    texts = said.get("empty") or []
    if not isinstance(texts, list):
        raise Unreadable(f"has a {MAPPING} whose empty is not a list of texts, such as ['null']: mend it")
    return frozenset(map(str, texts))


def _texts(said: dict, part: str) -> dict[str, str]:
    """One part of a mapping, its values as the text they would be in a file."""
    pairs = said.get(part) or {}
    if not isinstance(pairs, dict) or any(isinstance(value, dict | list) for value in pairs.values()):
        raise Unreadable(f"has a {MAPPING} whose {part} is not lines of `name: value`: mend it")
    return {str(name): str(value) for name, value in pairs.items() if value is not None}


def _encoding(name: object) -> str | None:
    try:
        return codecs.lookup(str(name)).name if name else None
    except LookupError:
        raise Unreadable(
            f"has a {MAPPING} whose encoding is unknown: write utf-8, cp932, euc_jp or another that exists"
        ) from None
