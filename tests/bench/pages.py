"""The pages in a real browser and under many readers, on a published file of a million touches.

    ikusei demo (a small company) -> its published file, every person multiplied -> ikusei dashboards serve
      -> chromium: an empty page's first paint, and a KPI page until its numbers, tables and charts are there
      -> 50 readers while the company is built anew and the link flips 20 times

The rows are those of the pipeline: each person, browser and company comes again under ids of its own until
the touches are as many as asked for. The readers are threads of a process of their own, as the server is.
"""

from __future__ import annotations

import functools
import http.client
import http.server
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path

import duckdb
from figure import Figure

from orchestration.demo import HOST, free_port

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"full": (300, 400, 1_000_000, 50), "quick": (60, 120, 100_000, 20)}
"""People and days of the company, touches of the published file, readers at once."""
FLIPS, SECONDS_BETWEEN, LOOKS = 20, 0.5, 11
PAGES = (
    "/?lang=ja",
    "/generation?lang=en",
    "/leads?lang=ja",
    "/cohorts?lang=ja",
    "/campaigns?lang=en",
    "/health",
)
KEYS = (
    "person_id",
    "visitor_id",
    "touch_id",
    "session_id",
    "company_id",
    "route_id",
    "identifier",
    "row_key",
)
EMPTY = b"<!doctype html><html lang=en><meta charset=utf-8><title>empty</title><p>empty</p>"
# Ready: every chart is drawn and a frame has passed, as a reader sees it.
READY = """
const seen = () => {
  const charts = [...document.querySelectorAll('.chart')];
  const is_ready = document.readyState !== 'loading' && document.querySelector('.kpi .number')
    && document.querySelector('table') && charts.length
    && charts.every(chart => chart.querySelector('svg path, .lane i'));
  if (is_ready) requestAnimationFrame(() => setTimeout(() => { window.readyAt = performance.now(); }));
  else requestAnimationFrame(seen);
};
requestAnimationFrame(seen);
"""
PAINT = "performance.getEntriesByName('first-contentful-paint').map(entry => entry.startTime)[0] ?? null"


def measure(size: str) -> list[Figure]:
    """First paint, weight and steadiness of the pages."""
    people, days, touches, readers = SIZES[size]
    with tempfile.TemporaryDirectory(prefix="ikusei-bench-") as folder:
        home = Path(folder) / "home"
        _ikusei(home, "demo", "--people", str(people), "--days", str(days), "--no-serve")
        files = [_multiplied(home, touches, name) for name in ("bench-a", "bench-b")]
        with duckdb.connect(str(files[0]), read_only=True) as connection:
            rows = connection.execute("select count(*) from behaviour.fct_touches").fetchone()[0]
        _flip(home, files[0])
        with _served(home) as port:
            figures = [Figure("touches published", rows, "rows"), *_in_the_browser(port)]
            return figures + _under_readers(home, files, port, readers)


# -- the published file ----------------------------------------------------------------------------


def _multiplied(home: Path, touches: int, name: str) -> Path:
    """A published file of this many touches or more, with a run id of its own."""
    source, target = (home / "serving" / "serving.duckdb").resolve(), home / "serving" / f"{name}.duckdb"
    target.unlink(missing_ok=True)
    with duckdb.connect(str(target)) as connection:
        connection.execute(f"attach '{source}' as small (read_only)")
        there = connection.execute("select count(*) from small.behaviour.fct_touches").fetchone()[0]
        times = -(-touches // there)
        for schema, table, columns in _tables(connection):
            connection.execute(f'create schema if not exists "{schema}"')
            connection.execute(
                f'create table "{schema}"."{table}" as {_again(schema, table, columns, times)}'
            )
        connection.execute("update reporting.rpt_run set run_id = ?", [name])
    return target


def _tables(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, str, list[str]]]:
    yield from connection.execute(
        "select table_schema, table_name, list(column_name order by ordinal_position) "
        "from information_schema.columns where table_catalog = 'small' group by all order by all"
    ).fetchall()


def _again(schema: str, table: str, columns: list[str], times: int) -> str:
    """The rows of a table, as many times as asked for when they are about a person, browser or company."""
    keys = [column for column in columns if column in KEYS]
    if not keys or schema == "raw_intake":
        return f'select * from small."{schema}"."{table}"'
    renamed = ", ".join(
        f"\"{key}\" || (case when n = 0 then '' else '-' || n end) as \"{key}\"" for key in keys
    )
    rows = f'small."{schema}"."{table}" as rows'
    return f"select rows.* replace ({renamed}) from {rows} cross join range({times}) t(n)"


def _flip(home: Path, file: Path) -> None:
    fresh = home / "serving" / ".bench-link"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(file.name)
    os.replace(fresh, home / "serving" / "serving.duckdb")


# -- the browser -----------------------------------------------------------------------------------


def _in_the_browser(port: int) -> list[Figure]:
    from playwright.sync_api import sync_playwright

    with _empty_page() as empty, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        paints, readies, loads = [], [], []
        for look in range(LOOKS):
            paint = _look(browser, f"http://{HOST}:{empty}/", PAINT)[0]
            ready, load = _look(browser, f"http://{HOST}:{port}/?lang=ja", "window.readyAt ?? null")
            if look:  # the first one warms both servers and the browser
                paints.append(paint)
                readies.append(ready)
                loads.append(load)
        browser.close()
    bytes_, requests, outside = (max(values) for values in zip(*loads, strict=True))
    ratio = statistics.median(readies) / statistics.median(paints)
    told = (
        f"{statistics.median(readies):.0f} ms and {statistics.median(paints):.0f} ms, medians of {LOOKS - 1}"
    )
    return [
        Figure("KPI page ready, over an empty page's paint", ratio, at_most=6, why=told),
        Figure("KPI page, first visit", bytes_ / 1000, "kB", at_most=300, why="as sent over the line"),
        Figure("KPI page, requests", requests, "count", at_most=8),
        Figure("KPI page, requests to outside", outside, "count", at_most=0),
    ]


def _look(browser: object, address: str, milliseconds: str) -> tuple[float, tuple[int, int, int]]:
    """One first visit in a fresh profile: the time the page tells; bytes, requests, requests to outside."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.add_init_script(READY)
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    sent, asked = [], []
    network.on("Network.loadingFinished", lambda event: sent.append(event["encodedDataLength"]))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    # The pages forbid every script, so the waiting is done here and not by a function in the page.
    while (taken := page.evaluate(milliseconds)) is None:
        page.wait_for_timeout(20)
    context.close()
    origin = "/".join(address.split("/")[:3])
    return taken, (int(sum(sent)), len(asked), sum(not url.startswith(origin) for url in asked))


@contextmanager
def _empty_page() -> Iterator[int]:
    class Empty(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(EMPTY)))
            self.end_headers()
            with suppress(OSError):  # the icon's request of a page that was closed meanwhile
                self.wfile.write(EMPTY)

        def log_message(self, *words: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer((HOST, 0), Empty)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


# -- many readers ----------------------------------------------------------------------------------


def _under_readers(home: Path, files: list[Path], port: int, readers: int) -> list[Figure]:
    """Readers that go on reading while the company is built anew and the link flips."""
    stop = home / "stop"
    reading = subprocess.Popen(
        [sys.executable, __file__, str(port), str(readers), str(stop)], stdout=subprocess.PIPE, text=True
    )
    nothing_new = home / "nothing_new"  # the torn files of the company would end the run with a complaint
    nothing_new.mkdir()
    build = subprocess.Popen(
        [*_command(), "run", "--force", "--landing", str(nothing_new), "--as-of", "2026-10-31"],
        env=_environment(home),
        stdout=subprocess.DEVNULL,
    )
    flips, files_in_turn = 0, cycle(reversed(files))
    while flips < FLIPS or build.poll() is None:
        _flip(home, next(files_in_turn))
        flips += 1
        time.sleep(SECONDS_BETWEEN)
    stop.touch()
    told = json.loads(reading.communicate(timeout=120)[0])
    worst = max(told["pages"], key=lambda page: page["p95"] / page["median"])
    why = f"{readers} readers, {told['reads']:,} pages read, {flips} flips, during a build"
    if build.returncode:
        raise RuntimeError("the build failed while the readers read: run it alone to see why")
    return [
        Figure("readers' errors", told["errors"], "count", at_most=0, why=why),
        Figure("pages that showed two runs", told["mixed"], "count", at_most=0),
        Figure("runs seen", told["runs"], "count", at_least=2),
        Figure(
            "95th percentile over median, worst page",
            worst["p95"] / worst["median"],
            at_most=4,
            why=f"{worst['address']}: {worst['p95'] * 1000:.0f} ms and {worst['median'] * 1000:.0f} ms",
        ),
    ]


def _read_until(stop: Path, port: int, readers: int) -> dict:
    """What so many readers saw until the file `stop` came: errors, runs, and seconds by page."""
    seen: list[tuple[str, float, int, frozenset[str]]] = []
    threads = [
        threading.Thread(target=functools.partial(_read, stop, port, number, seen))
        for number in range(readers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = {
        page: sorted(took for at, took, status, _ in seen if at == page and status == 200) for page in PAGES
    }
    return {
        "reads": len(seen),
        "errors": sum(status != 200 for _, _, status, _ in seen),
        "mixed": sum(len(runs) != 1 for _, _, status, runs in seen if status == 200),
        "runs": len(frozenset().union(*(runs for _, _, _, runs in seen))),
        "pages": [
            {"address": page, "median": statistics.median(took), "p95": took[int(len(took) * 0.95)]}
            for page, took in seconds.items()
            if took
        ],
    }


def _read(stop: Path, port: int, number: int, seen: list) -> None:
    line = http.client.HTTPConnection(HOST, port, timeout=60)
    for turn in range(number, 1_000_000):
        address = PAGES[turn % len(PAGES)]
        began = time.perf_counter()
        try:
            line.request("GET", address)
            answer = line.getresponse()
            text, status = answer.read().decode(), answer.status
        except (OSError, http.client.HTTPException):
            line.close()
            text, status = "", 0
        runs = frozenset(re.findall(r"bench-[ab]|\d{8}T\d{9}", text))
        seen.append((address, time.perf_counter() - began, status, runs))
        if stop.exists():
            return


# -- processes -------------------------------------------------------------------------------------


@contextmanager
def _served(home: Path) -> Iterator[int]:
    port = free_port(18470)
    command = [*_command(), "dashboards", "serve", "--port", str(port)]
    server = subprocess.Popen(command, env=_environment(home), stdout=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                line = http.client.HTTPConnection(HOST, port, timeout=30)
                line.request("GET", "/")
                line.getresponse().read()
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait(timeout=30)


def _ikusei(home: Path, *words: str) -> None:
    subprocess.run([*_command(), *words], env=_environment(home), stdout=sys.stderr, check=True)


def _command() -> list[str]:
    return [sys.executable, "-m", "orchestration.cli"]


def _environment(home: Path) -> dict[str, str]:
    return os.environ | {"IKUSEI_HOME": str(home)}


if __name__ == "__main__":
    told = _read_until(Path(sys.argv[3]), int(sys.argv[1]), int(sys.argv[2]))
    print(json.dumps(told))
