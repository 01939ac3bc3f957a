"""Figures of many files and a long workbook: a run that has nothing to read, and a list of 100,000 rows."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import openpyxl
from figure import Figure

from ingestion import ingest

FILES, ROWS = 1_000, 100_000
LINE = '10.0.0.{n} - - [01/May/2026:10:00:{n:02} +0900] "GET /a HTTP/1.1" 200 5 "-" "Mozilla/5.0"\n'
HEADER = ("会社名", "部署名", "役職", "氏名", "e-mail", "TEL会社", "名刺交換日")


def measure(size: str) -> list[Figure]:
    """Seconds, wall and processor, of a second run over unchanged files and of a long workbook."""
    files, rows = (FILES, ROWS) if size == "full" else (FILES, ROWS // 5)
    with tempfile.TemporaryDirectory(prefix="ikusei-bench-") as home:
        folder = Path(home)
        _write_logs(folder / "logs", files)
        first, _ = _ingest(folder / "logs")
        second, second_cpu = _ingest(folder / "logs")
        _write_workbook(folder / "lists", rows)
        listed, listed_cpu = _ingest(folder / "lists")
    at_most = 30 * rows / ROWS
    return [
        Figure(f"{files:,} files, first run", first, "s"),
        Figure(f"{files:,} files, unchanged", second, "s", at_most=0.1 * files / 1000),
        Figure(f"{files:,} files, unchanged, processor", second_cpu, "s"),
        Figure(f"{rows:,} rows of XLSX", listed, "s", at_most=at_most),
        Figure(f"{rows:,} rows of XLSX, processor", listed_cpu, "s"),
    ]


def _write_logs(home: Path, files: int) -> None:
    for number in range(files):
        folder = home / "landing" / "web" / f"s{number % 10}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.log").write_text(LINE.format(n=number % 60))


def _ingest(home: Path) -> tuple[float, float]:
    wall, processor = time.monotonic(), time.process_time()
    ingest(home / "landing", home / "warehouse.duckdb", state_dir=home / "dlt")
    return round(time.monotonic() - wall, 2), round(time.process_time() - processor, 2)


def _write_workbook(home: Path, rows: int) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(HEADER)
    for n in range(rows):
        person = (f"山田{n}", f"t{n}@example{n % 900}.co.jp", f"03-1234-{n % 10000:04}", "2026/05/10")
        sheet.append((f"株式会社テスト{n % 900}", "営業部", "部長", *person))
    folder = home / "landing" / "lists" / "big"
    folder.mkdir(parents=True)
    book.save(folder / "cards.xlsx")
