"""Every page in a real browser: no error, no request to outside, charts drawn, nothing wider than a phone."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from serving_file import publish_file

import dashboards

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
PAGES = {
    "index": "/?",
    "leads": "/leads?",
    "lead": "/lead?person_id=p0000&",
    "health": "/health?",
    "errors": "/errors?",
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("serving")
    publish_file(folder, "run-1")
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


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_page_has_no_error_asks_nothing_outside_and_fits(
    page, address: str, name: str, language: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    assert page.goto(f"{address}{PAGES[name]}lang={language}").status == 200
    for chart in page.query_selector_all(".chart"):
        chart.wait_for_selector("svg path", state="attached")
    assert page.troubles == []
    assert all(url.startswith(address) for url in page.asked), page.asked
    assert len(page.asked) <= 8
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.get_attribute("html", "lang") == language


def test_charts_are_drawn_with_words_in_the_readers_language(page, address: str) -> None:
    page.goto(f"{address}/generation?lang=ja")
    page.wait_for_selector(".chart.bars svg text", state="attached")
    assert page.locator(".chart svg").count() == 3
    assert "資料請求" in page.locator(".chart.bars svg").text_content()
    assert page.locator(".legend.bars").first.inner_text().split("\n") == ["フォーム通過数", "新規リード数"]


def test_numbers_and_tables_are_there_without_javascript(browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 375, "height": 800})
    page = context.new_page()
    page.goto(f"{address}/generation?lang=ja&month=2026-10")
    assert "50,000" in page.locator(".kpis").nth(1).inner_text()
    assert not page.locator(".chart").first.is_visible()
    page.locator("figure:has(.bars) summary").first.click()
    assert "資料請求" in page.locator("figure:has(.bars) table").first.inner_text()
    context.close()


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
