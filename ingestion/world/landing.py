"""The folder that the invented company fills: files are put into it and counted, nothing else.

web, forms and mail (`files`), tables (`sheets`) -> landing/..., Written
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .clock import local_day, month_name
from .diary import Identifier


@dataclass
class Written:
    """What was written: files by path below `landing`, with their lines; and the requests that remain."""

    lines: dict[str, int] = field(default_factory=dict)
    requests: int = 0  # distinct log lines
    cookies: int = 0
    list_rows: list[Identifier] = field(default_factory=list)
    cookie_spans: list[Identifier] = field(default_factory=list)
    visitors: dict[str, int] = field(default_factory=dict)  # month: human browsers, staff left out
    troubles: dict[str, str] = field(default_factory=dict)  # of whole files, by path
    torn_submissions: set[str] = field(default_factory=set)


def put(landing: Path, path: str, content: bytes, lines: int, written: Written) -> None:
    """Write one file and note its lines."""
    target = landing / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    written.lines[path] = lines


def csv_text(rows: Iterable[Iterable[Any]], newline: str = "\r\n") -> str:
    """Rows as CSV text, by default with the line ends of Excel."""
    text = io.StringIO()
    csv.writer(text, lineterminator=newline).writerows(rows)
    return text.getvalue()


def by_month(entries: Iterable[tuple[int, Any]]) -> dict[str, list[Any]]:
    """Entries by month (2026-05), each without its moment."""
    months: dict[str, list[Any]] = {}
    for moment, entry in entries:
        months.setdefault(month_name(local_day(moment)), []).append(entry)
    return months


def by_year(entries: Iterable[tuple[int, Any]]) -> dict[int, list[Any]]:
    """Entries by year, each without its moment."""
    years: dict[int, list[Any]] = {}
    for moment, entry in entries:
        years.setdefault(local_day(moment).year, []).append(entry)
    return years
