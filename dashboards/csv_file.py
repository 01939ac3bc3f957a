"""From a block's rows to a CSV that opens in a spreadsheet and runs nothing there."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal

from dashboards.publication import Result
from dashboards.words import Words

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def csv_text(words: Words, result: Result) -> str:
    """A CSV of all rows (RFC 4180, CR LF), headed in the reader's language, opening with a byte order mark
    for Excel.

    Numbers are plain and text is guarded by `guard_formula`; times are in the company's zone.
    """
    lines = [[words.label(column) for column in result.columns]]
    lines += [[_csv_cell(words, column, row[column]) for column in result.columns] for row in result.rows]
    return "\ufeff" + "".join(",".join(_quoted(cell) for cell in line) + "\r\n" for line in lines)


def guard_formula(text: str) -> str:
    """Text that a spreadsheet will not run: a leading apostrophe before = + - @ tab CR LF and their wide
    forms (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(FORMULA_SIGNS) else text


def _csv_cell(words: Words, column: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return words.local(value).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return str(value)
    return guard_formula(words.value(column, value))


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if re.search(r'[",\r\n]', cell) else cell
