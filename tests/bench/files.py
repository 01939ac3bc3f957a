"""Figures of many files and a long workbook: a run that has nothing to read, and a list of 100,000 rows."""

from __future__ import annotations

import time
from pathlib import Path

import openpyxl

from ingestion import ingest

FILES, ROWS = 1_000, 100_000
LINE = '10.0.0.{n} - - [01/May/2026:10:00:{n:02} +0900] "GET /a HTTP/1.1" 200 5 "-" "Mozilla/5.0"\n'
HEADER = ("会社名", "部署名", "役職", "氏名", "e-mail", "TEL会社", "名刺交換日")


def figures(folder: Path) -> dict[str, float]:
    """Seconds, wall and processor, of a second run over 1,000 files and of 100,000 XLSX rows."""
    logs = folder / "logs" / "landing" / "web"
    for number in range(FILES):
        (logs / f"s{number % 10}").mkdir(parents=True, exist_ok=True)
        (logs / f"s{number % 10}" / f"{number}.log").write_text(LINE.format(n=number % 60))
    _ingest(folder / "logs")
    book = folder / "lists" / "landing" / "lists" / "big"
    book.mkdir(parents=True)
    _write_workbook(book / "cards.xlsx")
    second, second_cpu = _ingest(folder / "logs")
    listed, listed_cpu = _ingest(folder / "lists")
    return {
        "unchanged_thousand_files_seconds": second,
        "unchanged_thousand_files_cpu_seconds": second_cpu,
        "xlsx_hundred_thousand_rows_seconds": listed,
        "xlsx_hundred_thousand_rows_cpu_seconds": listed_cpu,
    }


def _ingest(home: Path) -> tuple[float, float]:
    wall, processor = time.monotonic(), time.process_time()
    ingest(home / "landing", home / "warehouse.duckdb", state_dir=home / "dlt")
    return round(time.monotonic() - wall, 2), round(time.process_time() - processor, 2)


def _write_workbook(path: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(HEADER)
    for n in range(ROWS):
        person = (f"山田{n}", f"t{n}@example{n % 900}.co.jp", f"03-1234-{n % 10000:04}", "2026/05/10")
        sheet.append((f"株式会社テスト{n % 900}", "営業部", "部長", *person))
    book.save(path)
