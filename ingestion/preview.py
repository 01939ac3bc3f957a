"""A file before it is loaded -> how it would be read; a kind of table -> a form to fill in.

file -> encoding, delimiter, header, meaning of each column, first rows (shown to the caller only)
kind -> a CSV with its header, and what each column is for
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ingestion import files, lists, records
from ingestion.files import Found, Reading, Unreadable
from ingestion.kinds import SOURCES, Kind, Source, kinds

LIST = "list"
"""The kind of an offline list of people, whose columns are in `list_columns.csv`."""

_DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}
_LIST_HEADERS = {
    "会社名": "the company, however its legal form is written",
    "法人番号": "13 digits, checked",
    "部署名": "the department",
    "役職": "the position",
    "氏名": "the person's name; needed, if there is no mail address",
    "フリガナ": "how the name is read aloud",
    "メールアドレス": "the mail address; needed, if there is no name",
    "電話番号": "any spelling, with an extension if need be",
    "携帯電話": "any spelling",
    "郵便番号": "as written",
    "都道府県": "taken from the address if empty",
    "住所": "as written",
    "URL": "the company's site",
    "日付": "the day of the meeting, as 2026-05-31 or 2026年5月31日",
    "取得者": "who collected it",
    "備考": "anything else",
}


@dataclass(frozen=True)
class Preview:
    """How a file would be read; `rows` are personal data."""

    table: str
    encoding: str
    delimiter: str
    header_line: int
    columns: list[tuple[str, str | None]]
    rows: list[tuple[int, dict[str, str], str | None]]

    def lines(self) -> Iterator[str]:
        """The preview as lines for a terminal."""
        yield f"table      {self.table}"
        yield f"encoding   {self.encoding}"
        yield f"delimiter  {self.delimiter}"
        yield f"header     in line {self.header_line}"
        for header, meant in self.columns:
            yield f"  {header or '(no name)'} -> {meant or 'known to no table, kept in payload'}"
        for line, fields, fault in self.rows:
            yield f"line {line}" + (f": {fault}" if fault else "")
            yield from (f"  {name}: {value}" for name, value in fields.items())


def preview(file: Path, rows: int = 5) -> Preview:
    """Reads a table as ingestion would, and loads nothing.

    A file below landing is read as its folder says, any other as a list. Raises Unreadable with the mend.
    """
    found = _found(file)
    form = Source(found.source).form(found) if found.source in SOURCES else lists.form(found)
    looked = files.snapshot(found)
    if not looked.size:
        raise Unreadable("is empty: send it again with its rows, or remove it")
    if looked.kind == "array" or looked.starts_json:
        raise Unreadable("is JSON, which needs no preview: its keys are the fields")
    read = records.table(looked, Reading(), form, True)
    table = f"raw_{found.source}.{read.layout.table}"
    return Preview(
        table,
        read.encoding or "workbook",
        _DELIMITERS.get(read.delimiter, "cells of a workbook"),
        read.layout.line,
        [(key, _meant(key, form, table)) for key in read.layout.keys],
        list(islice(_shown(read, form), rows)),
    )


def _found(file: Path) -> Found:
    """A file as landing would find it: the nearest folder above it that is a source's."""
    above = [folder.name for folder in file.absolute().parents]
    place = next((place for place, name in enumerate(above) if name in (*SOURCES, "lists")), None)
    if place is None:
        return Found("lists", "", file.name, file)
    return Found(above[place], "/".join(reversed(above[:place])), file.name, file)


def _meant(key: str, form: records.Form, table: str) -> str | None:
    """The field that a header means; None if it means none."""
    told = [name for name, value in form.fields({key: "\0"}).items() if value.endswith("\0")]
    of_table = (
        lists.FIELDS
        if table == "raw_lists.rows"
        else [column.header for kind in kinds() if kind.table == table for column in kind.columns]
    )
    return next((name for name in told if name in of_table), None)


def _shown(read: records.Table, form: records.Form) -> Iterator[tuple[int, dict[str, str], str | None]]:
    for line, cells, text, fault in read.rows:
        if fault or any(cell.strip() for cell in cells):
            pairs = zip(read.layout.keys, cells, strict=False)
            filled = {key: cell for key, cell in pairs if cell.strip()}
            yield line, {"text": text} if fault else form.fields(filled), fault


def kind_named(name: str) -> Kind | None:
    """The kind of that name, None for `list`. Raises Unreadable naming those that exist."""
    found = next((kind for kind in kinds() if kind.kind == name), None)
    if not found and name != LIST:
        known = ", ".join([LIST, *(kind.kind for kind in kinds())])
        raise Unreadable(f"{name} is no kind of table: choose from {known}")
    return found


def template(name: str) -> bytes:
    """A CSV with the header of a kind and no row, in UTF-8 with a mark, which Excel reads rightly."""
    kind = kind_named(name)
    headers = [column.header for column in kind.columns] if kind else list(_LIST_HEADERS)
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(headers)
    return text.getvalue().encode("utf-8-sig")


def columns_told(name: str) -> Iterator[str]:
    """What each column of a kind is for, a line each."""
    kind = kind_named(name)
    if not kind:
        yield "One row is a person on a list. Put it in landing/lists/<name of the list>/."
        yield from (f"  {header}: {why}" for header, why in _LIST_HEADERS.items())
        return
    yield f"{kind.about} Put it in landing/{kind.source}/, as CSV, XLSX or JSON lines."
    for column in kind.columns:
        needed = ", needed" if column.required else ""
        words = f" ({', '.join(column.words)})" if column.words else ""
        yield f"  {column.header}: {column.type}{words}{needed}, e.g. {column.example}; {column.why}"
    if kind.one_of:
        yield f"One of these is needed: {', '.join(kind.one_of)}."
