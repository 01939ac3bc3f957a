"""Every page in a real browser: no error, no request to outside, charts drawn, nothing wider than a phone."""

from __future__ import annotations

import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from serving_file import publish_file

import dashboards
from dashboards.accounts import Accounts
from dashboards.pages import read_pages

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
QUERIES = {"index": "", "lead": "person_id=p0000", "company": "company_id=c1"}
PAGES = {
    name: f"/{'' if name == 'index' else name}?{QUERIES.get(name, '')}&" for name in sorted(read_pages())
}


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of the pages over a folder of published files, served by a thread of this process."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(dashboards.create_app(folder), log_level="error", access_log=False)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("serving")
    publish_file(folder, "run-1")
    with served(folder) as place:
        yield place


@pytest.fixture(scope="module")
def browser() -> Iterator:
    if not Path(CHROMIUM).exists():
        if os.environ.get("CI") == "true":
            pytest.fail("There is no chromium to show the pages in. Install Debian's package `chromium`.")
        pytest.skip("There is no chromium to show the pages in; install Debian's package `chromium`.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser) -> Iterator:
    """A page that notes what goes wrong (`troubles`) and what it asks for (`asked`)."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.troubles, page.asked = [], []
    page.on(
        "console",
        lambda message: page.troubles.append(message.text) if message.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda error: page.troubles.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    yield page
    context.close()


@pytest.fixture(scope="module")
def axe() -> Axe:
    return Axe()


def findings(axe: Axe, page) -> list[str]:
    """What axe-core finds against WCAG 2.2 A and AA: rule, element, and what to do."""
    found = axe.run(page, options={"runOnly": {"type": "tag", "values": WCAG}, "resultTypes": ["violations"]})
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found.response["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_page_has_no_error_asks_nothing_outside_fits_and_is_accessible(
    page, address: str, axe: Axe, name: str, language: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    assert page.goto(f"{address}{PAGES[name]}lang={language}").status == 200
    for chart in page.query_selector_all(".chart"):
        assert chart.query_selector("svg path, .lane i").bounding_box()
    assert page.troubles == []
    assert all(url.startswith(address) for url in page.asked), page.asked
    assert len(page.asked) <= 8
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.get_attribute("html", "lang") == language
    # A phone has the same markup, only narrower: one language there is enough to judge sizes and overlaps.
    assert (width < 1000 and language == "en") or findings(axe, page) == []


def test_the_judge_of_accessibility_sees_what_is_wrong(page, axe: Axe) -> None:
    page.set_content(
        "<html lang=ja><title>a</title><main><p style='color:#999;background:#fff'>薄い</p><img></main>"
    )
    assert {finding.split(":")[0] for finding in findings(axe, page)} == {"color-contrast", "image-alt"}


def test_charts_are_drawn_with_words_in_the_readers_language(page, address: str) -> None:
    page.goto(f"{address}/generation?lang=ja")
    assert page.locator(".chart").count() == 3
    assert "資料請求" in page.locator(".chart.bars").inner_text()
    assert page.locator(".legend.bars").first.inner_text().split("\n") == ["フォーム通過数", "新規リード数"]


def test_a_chart_tells_its_values_where_the_reader_points(page, address: str) -> None:
    page.goto(f"{address}/generation?lang=en&month=2026-10")
    place = page.locator(".chart.line").first.locator(".place").last
    assert not place.locator("div").is_visible()
    place.hover()
    assert place.locator("div").inner_text() == "2026-10\nVisitors 50,000"


@pytest.mark.parametrize("width", [1280, 375])
def test_the_words_below_a_chart_never_overlap(page, address: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for name in ("index", "generation", "cohorts"):
        page.goto(f"{address}{PAGES[name]}lang=ja")
        for below in page.locator(".below").all():
            boxes = [each.bounding_box() for each in below.locator("span").all() if each.is_visible()]
            assert len(boxes) >= 2
            assert all(a["x"] + a["width"] < b["x"] for a, b in pairwise(boxes))


def test_numbers_tables_and_charts_are_there_without_javascript(browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 375, "height": 800})
    page = context.new_page()
    page.goto(f"{address}/generation?lang=ja&month=2026-10")
    assert "50,000" in page.locator(".kpis").nth(1).inner_text()
    assert page.locator(".chart svg path").first.is_visible()
    page.locator("figure:has(.bars) summary").first.click()
    assert "資料請求" in page.locator("figure:has(.bars) table").first.inner_text()
    context.close()


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_overview_on_paper_is_a_report_of_one_page(page, address: str, language: str) -> None:
    page.goto(f"{address}/?lang={language}&month=2026-10")
    paper = page.pdf(format="A4")
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 1
    page.emulate_media(media="print")
    for hidden in ("header nav", ".filters button", ".csv", "#attention"):
        assert not page.locator(hidden).first.is_visible()
    for told in (".kpi .number", ".chart.line svg", "#campaigns table"):
        assert page.locator(told).first.is_visible()
    assert page.locator("select[name=month]").is_visible()  # paper says which month it shows


def test_a_reader_goes_from_the_list_to_a_person_by_keyboard(page, address: str) -> None:
    page.goto(f"{address}/leads?lang=ja")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.locator("td a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/lead?**")
    assert page.locator("h1").inner_text() == "リード"
    assert page.troubles == []


def test_filters_are_in_the_address(page, address: str) -> None:
    page.goto(f"{address}/?lang=en")
    page.select_option("select[name=month]", "2026-05")
    page.click("form.filters button")
    page.wait_for_url("**month=2026-05**")
    assert "lang=en" in page.url
    assert page.locator("select[name=month]").input_value() == "2026-05"


def test_a_word_tells_its_meaning_by_keyboard_and_without_javascript(browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 375, "height": 800})
    page = context.new_page()
    page.goto(f"{address}/leads?lang=ja")
    page.locator("button.word").first.focus()
    page.keyboard.press("Enter")
    told = page.locator("[popover]:popover-open")
    assert told.count() == 1 and "適合点 + 行動点" in told.inner_text()
    page.keyboard.press("Escape")
    assert page.locator("[popover]:popover-open").count() == 0
    context.close()


def test_a_number_leads_to_what_is_behind_it(page, address: str) -> None:
    page.goto(f"{address}/?lang=en&month=2026-10")
    page.locator(".kpi .number a").first.click()
    page.wait_for_url("**/number?**")
    assert "kpi=visitors" in page.url and "month=2026-10" in page.url
    assert page.troubles == []


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[str]:
    """The address of pages that ask for a log-in."""
    publish_file(tmp_path, "run-1", people=5)
    Accounts(tmp_path / "users.json").add("mika", "marketer", "correct horse battery")
    with served(tmp_path) as place:
        yield place


@pytest.mark.parametrize("has_scripts", [True, False])
def test_a_reader_logs_in_reads_and_logs_out_by_keyboard(
    browser, guarded: str, axe: Axe, has_scripts: bool
) -> None:
    context = browser.new_context(java_script_enabled=has_scripts, viewport={"width": 375, "height": 800})
    page = context.new_page()
    page.goto(f"{guarded}/leads?lang=ja&tier=latent")
    assert "/login" in page.url
    assert not has_scripts or findings(axe, page) == []
    page.get_by_label("名前").fill("mika")
    page.get_by_label("パスワード").fill("correct horse battery")
    page.keyboard.press("Enter")
    page.wait_for_url("**/leads?**")
    assert "tier=latent" in page.url and "#P0000" not in page.locator("h1").inner_text()
    assert page.evaluate("document.cookie") == "" if has_scripts else True
    page.get_by_role("button", name="ログアウト").press("Enter")
    page.wait_for_url("**/login?**")
    assert page.goto(f"{guarded}/leads").url.startswith(f"{guarded}/login")
    context.close()
