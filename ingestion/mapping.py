"""A `columns.yml` beside landed tables -> what their headers mean, and what holds for every row of them.

columns:                    # header as in the file: field
  貴社: company
  ご担当者様: name
every_row:                  # a field that the file has no column for
  collected_on: 2026-05-20
  list_owner: marketing
encoding: cp932             # only where the file can be read in several
"""

import codecs
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from ingestion.files import Found, Unreadable

MAPPING = "columns.yml"
"""Name of a mapping, in the folder of the files it is for or one above it below the source's folder."""

_SAYS = ("columns", "every_row", "encoding")


@dataclass(frozen=True)
class Mapping:
    """Header spelling -> field, field -> value of every row, and the encoding that a person has named."""

    headers: dict[str, str] = field(default_factory=dict)
    every_row: dict[str, str] = field(default_factory=dict)
    encoding: str | None = None


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
    every_row = _texts(said, "every_row")
    if unknown := sorted({*headers.values(), *every_row} - set(fields)):
        raise Unreadable(
            f"has a {MAPPING} whose field {unknown[0]} does not exist: the fields are {', '.join(fields)}"
        )
    return Mapping(headers, every_row, _encoding(said.get("encoding")))


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
