"""Tables in a form of their own (CRM, costs, touches, surveys, ...) -> their raw tables, as `kinds.yml` says.

    CSV, XLSX or JSON lines -> columns by name -> typed columns; what cannot be right is rejected

A kind is data: its columns, their types, what is required and why stand in `kinds.yml`, and this module
reads them all. The columns of a file tell which table of its source it is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

import yaml

from ingestion.fields import named
from ingestion.files import Found
from ingestion.lists import spelled
from ingestion.mapping import MAPPING, beside
from ingestion.records import Form

_RAW = {"email": "email_raw", "person": "person_name_raw", "company": "company_name_raw"}
_RAW |= {"phone": "phone_raw", "prefecture": "prefecture_raw"}
_VALUES = {
    **dict.fromkeys(("text", "person", "kana", "company", "phone", "prefecture", "email"), "cell({0})"),
    **dict.fromkeys(("time", "moment"), "moment(code({0}))"),
    **dict.fromkeys(("yen", "number"), "yen(code({0}))"),
    "code": "code({0})",
    "count": "try_cast(yen(code({0})) as integer)",
    "day": "day(code({0}))",
    "month": "coalesce(day(code({0})), day(code({0}) || '-01'), day(code({0}) || '1日'))",
    "flag": "case when lower(code({0})) in ('true', 'yes', 'on', '1', 'はい') then true"
    " when lower(code({0})) in ('false', 'no', 'off', '0', 'いいえ') then false end",
}
_CAN_FAIL = {"time", "moment", "yen", "number", "count", "day", "month", "flag", "word"}
_SHORTENED = "^([a-z_]+:)?\\d+(\\.\\d+)?[eE]\\+?\\d+$"


@dataclass(frozen=True)
class Column:
    """A column of a kind: its header in the file, how it is read, where it goes, and why it is there."""

    header: str
    type: str
    why: str
    to: str = ""
    required: bool = False
    example: str = ""
    also: tuple[str, ...] = ()
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def raw(self) -> str:
        """Its column in the raw table (that of the text as it came, where it is normalised later)."""
        return self.to or _RAW.get(self.type, self.header)

    @property
    def value(self) -> str:
        """SQL of its value; NULL for what cannot be read."""
        text = f"{self.raw}_text"
        if self.type != "word":
            return _VALUES[self.type].format(text)
        spellings = {
            word: ", ".join(_quoted(told.lower()) for told in (word, *others))
            for word, others in self.words.items()
        }
        branches = " ".join(
            f"when lower(code({text})) in ({told}) then {_quoted(word)}" for word, told in spellings.items()
        )
        return f"case {branches} end"

    @property
    def faults(self) -> Iterator[str]:
        """SQL branches that reject a row for this column."""
        text = f"{self.raw}_text"
        unread = f"when code({text}) is not null and ({self.value}) is null then"
        if self.required:
            yield f"when code({text}) is null then missing('{self.header}')"
        if self.type == "code":
            yield (
                f"when regexp_matches(code({text}), '{_SHORTENED}')"
                f" then shortened('{self.header}', code({text}))"
            )
        if self.type == "word":
            known = f"one of {', '.join(self.words)}, or say in a {MAPPING} what it is,"
            yield f"{unread} unknown_word('{self.header}', {text}, {_quoted(known)})"
        elif self.type in _CAN_FAIL:
            yield f"{unread} bad('{self.header}', {text})"


@dataclass(frozen=True)
class Kind:
    """A raw table that is filled from a form of its own."""

    kind: str
    table: str
    about: str
    columns: tuple[Column, ...]
    id: str | None = None
    told_by: tuple[tuple[str, ...], ...] = ()
    one_of: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """Its folder of landing."""
        return self.table.split(".")[0].removeprefix("raw_")

    @property
    def told(self) -> tuple[frozenset[str], ...]:
        """Sets of headers of which one is enough to know the table."""
        required = tuple(column.header for column in self.columns if column.required)
        return tuple(frozenset(headers) for headers in (self.told_by or (required,)))

    @property
    def parse(self) -> str:
        """SQL of its parsed rows over `unread(line_number, text, payload, fields, fault)`."""
        raw_of = {column.header: f"{column.raw}_text" for column in self.columns}
        faults = [fault for column in self.columns for fault in column.faults]
        if self.one_of:
            none = " and ".join(f"code({raw_of[header]}) is null" for header in self.one_of)
            faults.append(f"when {none} then missing({_quoted(' or '.join(self.one_of))})")
        values = [f"{column.value} as {column.raw}" for column in self.columns]
        values += [
            f"if(has_day_only({column.raw}_text), 'day', 'second') as time_precision"
            for column in self.columns
            if column.type == "moment"
        ]
        return f"""
            select
                line_number, text, payload as content,
                {f"code({raw_of[self.id]})" if self.id else "null"} as provider_id,
                coalesce(fault, case {" ".join(faults)} end) as reason,
                {", ".join(values)},
                payload
            from ({named({text: header for header, text in raw_of.items()})})"""


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@cache
def kinds() -> tuple[Kind, ...]:
    """Every kind of `kinds.yml`, in its order."""
    said = yaml.safe_load(Path(__file__).with_name("kinds.yml").read_text(encoding="utf-8"))
    return tuple(_kind(one) for one in said)


def _kind(said: dict) -> Kind:
    columns = [
        Column(
            header,
            how["type"],
            how["why"],
            how.get("to", ""),
            how.get("required", False),
            str(how.get("example", "")),
            tuple(how.get("also", ())),
            {word: tuple(others) for word, others in how.get("words", {}).items()},
        )
        for header, how in said["columns"].items()
    ]
    return Kind(
        said["kind"],
        said["table"],
        said["about"],
        tuple(columns),
        said.get("id"),
        tuple(map(tuple, said.get("told_by", ()))),
        tuple(said.get("one_of", ())),
    )


@dataclass(frozen=True)
class Source:
    """The kinds of one folder of landing, with what `landing` asks of every source."""

    name: str

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Its kinds, in the order in which a header is asked for them."""
        return tuple(kind for kind in kinds() if kind.source == self.name)

    @property
    def TABLES(self) -> tuple[str, ...]:
        """Names of its raw tables."""
        return tuple(kind.table.split(".")[1] for kind in self.kinds)

    def table_of(self, keys: set[str]) -> str | None:
        """The table whose columns a header or the first records have; None if none."""
        found = (kind for kind in self.kinds if any(headers <= keys for headers in kind.told))
        return next((kind.table.split(".")[1] for kind in found), None)

    def recognises(self, keys: set[str]) -> bool:
        """Whether a header or the keys of the first records are those of this source."""
        return self.table_of(keys) is not None

    def parse(self, table: str) -> str:
        """SQL of the parsed rows of one table over `unread(line_number, text, payload, fields, fault)`."""
        return next(kind for kind in self.kinds if kind.table == f"raw_{self.name}.{table}").parse

    def form(self, found: Found) -> Form:
        """How the tables of a file's folder are read."""
        fields = dict.fromkeys(column.header for kind in self.kinds for column in kind.columns)
        said = beside(found, fields, spelled)
        told = partial(_told, said.headers, self._spellings() | said.headers)
        return Form(
            lambda keys: self.table_of({*told(dict.fromkeys(keys, "x")), *said.every_row}),
            spelled,
            lambda record: said.meant(said.every_row | told(dict(said.filled(record.items())))),
            self._mend(),
            said.encoding,
            names_json=True,
        )

    def _spellings(self) -> dict[str, str]:
        """Header spelling -> header, of every column of the source."""
        return {
            spelled(name): column.header
            for kind in self.kinds
            for column in kind.columns
            for name in (*column.also, column.header)
        }

    def _mend(self) -> str:
        needed = " or ".join(
            f"{kind.kind} ({', '.join(sorted(min(kind.told, key=len)))})" for kind in self.kinds
        )
        return (
            f"name its columns in the first row; needed for {needed};"
            f" `ikusei lists template {self.kinds[0].kind}` writes a form to fill in"
        )


def _told(said: dict[str, str], headers: dict[str, str], record: dict[str, str]) -> dict[str, str]:
    """A record under the headers of `kinds.yml`; what is unknown keeps its own name, what is exact wins.

    `said` are the headers of a mapping: of several for one field the one that it names first wins.
    """
    told = {headers.get(key, key): value for key, value in record.items()}
    if said and len(told) < len(record):
        told |= {said[key]: record[key] for key in reversed(said) if key in record}
    return told | {key: value for key, value in record.items() if headers.get(key) == key}


SOURCES = ("social", "touches", "surveys", "service", "points", "ab", "links", "costs", "crm")
"""Folders of landing that `kinds.yml` describes, in the order in which a header is asked whose it is."""
