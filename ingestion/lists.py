"""Offline lists (business cards, fairs, seminars) as CSV, TSV, XLSX or XLS -> `raw_lists.rows`.

    header -> `list_columns.csv` or the list's own `columns.yml` -> fields -> typed columns

Which spelling of a header means which field is data, in `list_columns.csv`. Where several headers mean one
field, the one listed first in that file wins if its cell is filled (a card's direct line before the
company's switchboard). A list that spells its headers in a way of its own has a `columns.yml` beside it,
which also says whose list it is. The cells as they came stay in `payload`.
"""

import csv
import re
import unicodedata
from collections.abc import Iterable
from functools import cache, partial
from pathlib import Path

from ingestion.fields import named
from ingestion.files import Found
from ingestion.mapping import MAPPING, beside
from ingestion.records import Form

TABLES = ("rows",)

FIELDS = (
    *("company", "department", "position", "name", "family_name", "given_name", "kana", "family_kana"),
    *("given_kana", "email", "phone", "mobile", "postal_code", "prefecture", "address", "url"),
    *("collected_on", "note", "corporate_number", "list_owner", "collected_by"),
)
"""What a header can mean; the first rows of `ikusei lists preview` show them."""

_MEND = (
    "name its columns in the first row as in `ikusei lists template list`, or say what they mean in a"
    f" {MAPPING} beside the file (`ikusei lists preview FILE` shows what is understood)"
)


def spelled(header: str) -> str:
    """A header cell in one spelling: NFKC, every dash `-`, blanks single, lower case."""
    plain = unicodedata.normalize("NFKC", header).strip().lower()
    return re.sub(r"\s+", " ", re.sub("[‐‑‒–—―−]", "-", plain)).replace("\ufeff", "")


@cache
def columns() -> dict[str, tuple[int, str]]:
    """Header spelling -> (rank, field), from `list_columns.csv`; a lower rank is preferred."""
    with Path(__file__).with_name("list_columns.csv").open(encoding="utf-8", newline="") as lines:
        return {
            spelled(row["header"]): (rank, row["field"]) for rank, row in enumerate(csv.DictReader(lines))
        }


def form(found: Found) -> Form:
    """How the tables of a file's list are read: by its own mapping before the layouts known to all."""
    said = beside(found, FIELDS, spelled)
    known = columns() | {header: (-1, meant) for header, meant in said.headers.items()}
    return Form(
        partial(_table_of, known),
        spelled,
        lambda record: said.meant(_fields(known, said.every_row, said.filled(record.items()))),
        _MEND,
        said.encoding,
        names_json=True,
    )


def _table_of(known: dict[str, tuple[int, str]], keys: set[str]) -> str | None:
    meant = {known[key][1] for key in keys if key in known}
    who = meant & {"name", "family_name", "email"}
    return "rows" if who and len(meant) >= 2 else None


def table_of(keys: set[str]) -> str | None:
    """`rows` if the cells are a header: who (name or mail address) and at least one thing more."""
    return _table_of(columns(), keys)


def recognises(keys: set[str]) -> bool:
    """Whether a header is that of a list of people."""
    return table_of(keys) is not None


def _fields(
    known: dict[str, tuple[int, str]], every_row: dict[str, str], cells: Iterable[tuple[str, str]]
) -> dict[str, str]:
    """A record's fields: of several headers of one field the first filled one, else what all rows have."""
    best: dict[str, tuple[int, str]] = {}
    for key, cell in cells:
        if key in known:
            rank, meant = known[key]
            if meant not in best or rank < best[meant][0]:
                best[meant] = rank, cell
    return every_row | {meant: cell for meant, (_, cell) in best.items()}


def parse(table: str) -> str:
    """SQL of the parsed rows over `unread(line_number, text, payload, fields, fault)`."""
    return f"""
        select
            line_number, text, payload as content, null as provider_id,
            coalesce(fault, case
                when code(collected) is not null and day(code(collected)) is null
                    then bad('the day', collected)
            end) as reason,
            getvariable('stream') as list_name,
            day(code(collected)) as collected_on,
            cell(email) as email_raw,
            cell(coalesce(cell(name), trim(concat_ws(' ', cell(family_name), cell(given_name)))))
                as person_name_raw,
            cell(coalesce(cell(kana), trim(concat_ws(' ', cell(family_kana), cell(given_kana)))))
                as person_kana,
            cell(company) as company_name_raw,
            cell(department) as department,
            cell(position) as position,
            cell(phone) as phone_raw,
            cell(mobile) as mobile_raw,
            code(postal_code) as postal_code,
            coalesce(cell(prefecture), cell(address)) as prefecture_raw,
            cell(address) as address,
            cell(url) as url,
            cell(note) as note,
            cell(corporate_number) as corporate_number_raw,
            cell(list_owner) as list_owner,
            cell(collected_by) as collected_by,
            payload
        from ({named({("collected" if name == "collected_on" else name): name for name in FIELDS})})"""
