"""Offline lists (business cards, fairs, seminars) as CSV or XLSX -> `raw_lists.rows`.

    header -> `list_columns.csv` -> fields -> typed columns; the cells as they came stay in `payload`

Which spelling of a header means which field is data, in `list_columns.csv`. Where several headers mean one
field, the one listed first in that file wins if its cell is filled (a card's direct line before the
company's switchboard).
"""

import csv
import re
import unicodedata
from functools import cache
from pathlib import Path

from ingestion.fields import named

TABLES = ("rows",)

_FIELDS = (
    *("company", "department", "position", "name", "family_name", "given_name", "kana", "family_kana"),
    *(
        "given_kana",
        "email",
        "phone",
        "mobile",
        "postal_code",
        "prefecture",
        "address",
        "url",
        "collected_on",
        "note",
    ),
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


def table_of(keys: set[str]) -> str | None:
    """`rows` if the cells are a header: who (name or mail address) and at least one thing more."""
    known = {columns()[key][1] for key in keys if key in columns()}
    who = known & {"name", "family_name", "email"}
    return "rows" if who and len(known) >= 2 else None


def recognises(keys: set[str]) -> bool:
    """Whether a header is that of a list of people."""
    return table_of(keys) is not None


def fields(record: dict[str, str]) -> dict[str, str]:
    """The fields of a record keyed by header spelling: of several headers of a field the first filled one."""
    known = columns()
    ranked = sorted((*known[key], cell) for key, cell in record.items() if key in known)
    return {field: cell for _, field, cell in reversed(ranked)}


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
            payload
        from ({named({("collected" if field == "collected_on" else field): field for field in _FIELDS})})"""
