"""Speed and memory of a combined access log: ingested by us against DuckDB's own reading of the same fields.

DuckDB's own way is `read_csv` of lines and `regexp_extract` of the fields of our raw table, into a table.
The ratio is ours over DuckDB's in lines a second, from file to committed, deduplicated raw table (keys,
typed columns and loader included). Each way runs in a process of its own, whose peak memory is told; CPU
seconds stand beside wall seconds, since other work on the machine moves the wall clock but hardly those.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
from figure import Figure

LINES = {"full": 1_000_000, "quick": 200_000}

PATHS = ("/", "/products/crm/", "/price/", "/blog/a-long-title-of-an-article", "/assets/site.css", "/case/x")
QUERIES = ("", "", "", "?utm_source=mail&utm_medium=email&utm_campaign=m{n}&mid=t{n}", "?q=crm&page={n}")
AGENTS = tuple(
    f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36"
    for system in ("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64")
    for version in range(110, 130)
)


def measure(size: str) -> list[Figure]:
    """Both ways on one file, and the peak memory on one ten times as long (not in the quick size)."""
    lines = LINES[size]
    figures = _compared(size, lines)
    if size == "full":
        long = _alone(10 * lines)
        figures += [
            Figure(f"{10 * lines:,} lines", long["wall"], "s"),
            Figure(f"{10 * lines:,} lines, processor", long["cpu"], "s"),
            Figure(f"{10 * lines:,} lines, peak memory", long["peak_mib"], "MiB", at_most=1024),
        ]
    return figures


def _compared(size: str, lines: int) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="ikusei-bench-") as home:
        _write(Path(home), lines)
        theirs, ours = _measured("theirs", Path(home)), _measured("ours", Path(home))
    assert (theirs["rows"], ours["rows"]) == (lines, lines)
    least = 0.5 if size == "full" else None  # the interpreter's start is no small part of a small file
    return [
        Figure("speed", theirs["wall"] / ours["wall"], at_least=least, why=f"of DuckDB's, {lines:,} lines"),
        Figure("speed in processor seconds", theirs["cpu"] / ours["cpu"], at_least=least),
        Figure("ingested", ours["wall"], "s"),
        Figure("ingested, processor", ours["cpu"], "s"),
        Figure("read by regexp_extract", theirs["wall"], "s"),
        Figure("read by regexp_extract, processor", theirs["cpu"], "s"),
        Figure("peak memory", ours["peak_mib"], "MiB", at_most=1024),
    ]


def _alone(lines: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="ikusei-bench-") as home:
        _write(Path(home), lines)
        ours = _measured("ours", Path(home))
    assert ours["rows"] == lines
    return ours


def _write(home: Path, lines: int) -> None:
    """A log of about three lines a second, no two alike."""
    log = home / "landing" / "web" / "www" / "access.log"
    log.parent.mkdir(parents=True)
    began = datetime(2026, 1, 1)
    with log.open("w") as file:
        for n in range(lines):
            at = (began + timedelta(seconds=n // 3)).strftime("%d/%b/%Y:%H:%M:%S")
            path, query = PATHS[n % len(PATHS)], QUERIES[n % len(QUERIES)].format(n=n)
            file.write(
                f"203.0.{n % 113}.{n % 251} - - [{at} +0900] "
                f'"GET {path}{query} HTTP/1.1" 200 {n % 90_000}'
                f' "https://www.example.jp{PATHS[n % 5]}" "{AGENTS[n % len(AGENTS)]}" "v{n % 5003}"\n'
            )


def _measured(way: str, folder: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, way, str(folder)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def theirs(folder: Path) -> int:
    """DuckDB alone: one expression for the line, one for each field inside a field. Returns the rows."""
    names = (
        "['client_address', 'stamp', 'method', 'path', 'query', 'status', 'bytes', 'referrer', 'user_agent',"
    )
    quoted = r'"((?:[^"\\]|\\.)*)"'
    line = (
        r'^(\S+) [^\[]*\[([^\]]+)\] "(\S+) ([^ ?"]*)(?:\?(\S*))? [^"]*" (\d{3}) (\d+|-) '
        + f"{quoted} {quoted}(?: {quoted})?"
    )
    utm = ", ".join(
        f"regexp_extract(query, '(?:^|&){name}=([^&]*)', 1) as {name}"
        for name in ("utm_source", "utm_medium", "utm_campaign", "utm_term", "mid")
    )
    with duckdb.connect(str(folder / "theirs.duckdb")) as con:
        return con.execute(
            f"""create table requests as
            select *, regexp_extract(referrer, '^[a-z]+://([^/:?#]+)', 1) as referrer_host, {utm}
            from (
                select unnest(regexp_extract(line, '{line}', {names} 'visitor_id']))
                from read_csv('{folder}/landing/web/www/access.log', columns = {{'line': 'varchar'}},
                    delim = '\\0', quote = '', escape = '', header = false, auto_detect = false)
            )"""
        ).fetchone()[0]


def ours(folder: Path) -> int:
    """Ingestion. Returns the rows that it loaded."""
    from ingestion import ingest

    report = ingest(folder / "landing", folder / "ours.duckdb", state_dir=folder / "dlt", sources=["web"])
    assert not report.troubles, report.troubles
    return report.rows_loaded


def _run(way: str, folder: Path) -> None:
    wall, cpu = time.monotonic(), time.process_time()
    rows = {"ours": ours, "theirs": theirs}[way](folder)
    spent = {"wall": round(time.monotonic() - wall, 2), "cpu": round(time.process_time() - cpu, 2)}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(spent | {"rows": rows, "peak_mib": peak}))


if __name__ == "__main__":
    _run(sys.argv[1], Path(sys.argv[2]))
