"""Which rows of a block a table shows, and how: the order and part the URL asks for, headings, cells, sums.

Reading + block + `?<block>_sort=…&<block>_page=…`  ->  plain data for the macro `table`
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from dashboards.publication import Result
from dashboards.reading import Reading
from dashboards.words import form_of

ROWS_SHOWN = 500
# What a table of many KPIs tells in the unit of each row, and which of it are differences.
SIGNED = ("difference", "by_time", "by_late_data", "by_identity", "by_rules", "by_erasure")
UNITED = ("value", "value_before", "true_value", "former_value", "figure", "own_figure", *SIGNED)
SHORT = 12  # characters that stay on one line of a table


def sorted_sql(reading: Reading, block: str, sort: str | None) -> tuple[str, str | None]:
    """A block's SQL in the order that the URL asks for (else `sort`), and that order as 'column desc'.

    The column comes from the URL, so it is looked up among the block's own columns and never pasted unseen.
    Every column breaks ties after it: pages then never repeat or skip a row. Without any order of its own the
    block keeps its SQL's.
    """
    inner = reading.sql(block)
    columns = reading.run(block, f"select * from ({inner}\n) limit 0").columns
    order = reading.address.get(f"{block}_sort", sort or "")
    name, _, way = order.partition(" ")
    real = next((each for each in (name, f"{name}_{reading.words.language}") if each in columns), None)
    if real is None or way not in ("", "asc", "desc"):
        order, (real, _, way) = sort, (sort or "").partition(" ")
    if not real:
        return inner, None
    ties = ", ".join(str(position) for position in range(1, len(columns) + 1))
    return f'select * from ({inner}\n) order by "{real}" {way or "asc"} nulls last, {ties}', order


def is_number(result: Result, column: str) -> bool:
    first = next((row[column] for row in result.rows if row[column] is not None), None)
    return isinstance(first, int | float | Decimal) and not isinstance(first, bool)


def window(
    reading: Reading, block: str, sort: str | None, size: int | None
) -> tuple[str | None, Result, int, int]:
    """The part of a block that the URL asks for: its order, its rows, how many there are, page number."""
    if sort is None:
        result = reading.result(block)
        return None, Result(result.columns, result.rows[: size or ROWS_SHOWN]), len(result.rows), 1
    sql, order = sorted_sql(reading, block, sort)
    count = reading.run(block, f"select count(*) as n from ({reading.sql(block)}\n)").rows[0]["n"]
    size = size or ROWS_SHOWN
    number = page_number(reading, block, count, size)
    part = f"{sql} limit {size} offset {(number - 1) * size}"
    return order, reading.window(block, part), count, number


def page_number(reading: Reading, block: str, count: int, size: int) -> int:
    """The page of a block that the URL asks for, kept within those there are."""
    asked = reading.address.get(f"{block}_page", "")
    number = int(asked) if re.fullmatch(r"[0-9]{1,6}", asked) else 1
    return min(max(number, 1), max(math.ceil(count / size), 1))


def pager(reading: Reading, block: str, number: int, size: int | None, count: int) -> dict[str, Any] | None:
    """Where the reader stands among a block's pages, with the ways back and on; None when one holds all."""
    pages = math.ceil(count / size) if size else 1
    if pages <= 1:
        return None
    name = f"{block}_page"
    return {
        "number": number,
        "pages": pages,
        "former": reading.url(**{name: number - 1}) if number > 1 else None,
        "next": reading.url(**{name: number + 1}) if number < pages else None,
    }


def heading(reading: Reading, block: str, column: str, order: str | None, result: Result) -> dict[str, Any]:
    """The head of a column: its name, and the address that sorts by it (the other way when it is sorted)."""
    head = {
        "label": reading.words.label(column),
        "is_number": is_number(result, column),
        "url": None,
        "sorted": None,
    }
    if order is not None:
        by, _, way = order.partition(" ")
        is_this = by == column
        down = not (is_this and way == "desc") if head["is_number"] or is_this else False
        head["sorted"] = {"desc": "descending"}.get(way, "ascending") if is_this else None
        changes = {f"{block}_sort": f"{column} {'desc' if down else 'asc'}", f"{block}_page": None}
        head["url"] = reading.url(**changes)
    return head


def cell(
    reading: Reading,
    column: str,
    row: dict[str, Any],
    link: str | None,
    is_figure: bool,
    unit: str | None = None,
) -> dict[str, Any]:
    """One value as text, how it is set, and where it leads.

    unit: the column with the unit in which the row's columns of UNITED are told.
    """
    if unit and column in UNITED:
        text = reading.words.in_unit(row[column], row[unit], signed=column in SIGNED)
    else:
        text = reading.words.value(column, row[column])
    is_date = form_of(column) in ("time", "day", "month")
    return {
        "text": text,
        "kind": "number" if is_figure else "date" if is_date else "short" if len(text) <= SHORT else "long",
        "url": link_of(reading, link, row) if link else None,
    }


def link_of(reading: Reading, link: str, row: dict[str, Any]) -> str | None:
    """The address in 'page?parameter=column' for a row; '@column' when the row itself names the page.

    A row that lacks the value of a parameter leads nowhere.
    """
    if link.startswith("@"):
        return reading.url(row[link[1:]]) if row[link[1:]] else None
    page, _, pairs = link.partition("?")
    parameters = dict(pair.split("=") for pair in pairs.split("&")) if pairs else {}
    values = {name: row[column] for name, column in parameters.items()}
    return reading.url(page, **values) if all(values.values()) else None


def totals(reading: Reading, block: str, columns: list[str], total: Sequence[str]) -> list[str | None]:
    """The last line of a table: sums over every row of the block, not only those of the page shown."""
    sums = ", ".join(f'sum("{column}") as "{column}"' for column in total)
    row = reading.run(block, f"select {sums} from ({reading.sql(block)}\n)").rows[0]
    line = [reading.words.value(column, row[column]) if column in row else None for column in columns]
    return [reading.words.text("interface.total"), *line[1:]] if line[0] is None else line


def csv_address(reading: Reading, block: str) -> str:
    """Where all rows of a block are, under the filters and in the order of this page."""
    kept = {name: value for name, value in reading.address.items() if not name.endswith("_page")}
    return f"/{reading.page.name}/{block}.csv?{urlencode({**kept, 'lang': reading.words.language})}"
