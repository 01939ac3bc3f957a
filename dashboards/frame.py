"""From a rendered page to the whole HTML document: menu, languages, filters, run and reader around it."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from dashboards.accounts import NOBODY_ASKED, Reader
from dashboards.components import LAYOUTS
from dashboards.pages import Page, Rendered, read_pages
from dashboards.publication import Run
from dashboards.reading import Reading
from dashboards.words import LANGUAGES, Words, read_words


def frame(
    words: Words,
    reading: Reading | None,
    run: Run | None,
    asset_address: Any,
    reader: Reader = NOBODY_ASKED,
    token: str = "",
) -> dict[str, Any]:
    """What the frame around every page shows: menu, languages, run, and who has logged in."""
    address = reading.address if reading else {}
    languages = [
        {
            "code": code,
            "name": read_words(code, str(words.zone)).text("interface.name_of_language"),
            "url": reading.url(**{**address, "lang": code}) if reading else f"?lang={code}",
        }
        for code in LANGUAGES
    ]
    return {
        "t": words.text,
        "language": words.language,
        "asset": asset_address,
        **_menu(words, reading.page if reading else None, reader),
        "reader": reader,
        "role": words.text(f"roles.{reader.role}") if reader.name else "",
        "token": token,
        "languages": languages,
        "run": run,
        "as_of": words.value("as_of", run.as_of) if run else "",
        "published_at": words.value("published_at", run.published_at) if run else "",
        "zone": str(words.zone),
    }


def _menu(words: Words, here: Page | None, reader: Reader) -> dict[str, Any]:
    """The sections, each led by its first page, and the pages of the section that the reader is in."""
    listed = [page for page in read_pages().values() if page.order is not None and page.is_for(reader.role)]
    first = {page.section: page for page in reversed(listed)}
    sections = dict.fromkeys(page.section for page in listed)
    mates = [page for page in listed if here and page.section == here.section]
    return {
        "menu": [
            _entry(
                words,
                words.text(f"sections.{section}"),
                first[section],
                bool(here) and section == here.section,
            )
            for section in sections
        ],
        "submenu": [_entry(words, page.title[words.language], page, page is here) for page in mates]
        if len(mates) > 1
        else [],
    }


def _entry(words: Words, title: str, page: Page, is_here: bool) -> dict[str, Any]:
    path = "" if page.name == "index" else page.name
    return {"title": title, "url": f"/{path}?lang={words.language}", "is_here": is_here}


def page_html(
    reading: Reading,
    rendered: Rendered,
    run: Run,
    asset_address: Any,
    reader: Reader = NOBODY_ASKED,
    token: str = "",
) -> str:
    """The whole HTML document of a page."""
    # The filters stand below the heading: it is what a reader, or a screen reader, should meet first.
    heading, end, rest = rendered.body.partition("</h1>")
    return LAYOUTS.get_template("page.html").render(
        frame(reading.words, reading, run, asset_address, reader, token),
        title=reading.page.title[reading.words.language],
        filters=_filters(reading),
        # The body is made of autoescaped layouts and of Markdown without raw HTML.
        heading=Markup(heading + end if end else ""),
        body=Markup(rest if end else heading),
        meanings=rendered.meanings,
    )


def _filters(reading: Reading) -> list[dict[str, Any]]:
    """The filters that readers choose from; an id (which person) is part of a link, not of a form."""
    shown = []
    for each in reading.page.filters.values():
        if each.type == "id":
            continue
        chosen = reading.parameters[each.name]
        chosen = f"{chosen:%Y-%m}" if each.type == "month" and chosen else str(chosen or "")
        offered = reading.options(each)
        values = offered if not chosen or chosen in offered else [chosen, *offered]
        shown.append(
            {
                "name": each.name,
                "label": reading.words.label(each.name),
                "chosen": chosen,
                "is_optional": each.default is None and each.type != "month",
                "options": [{"value": value, "text": _option_text(reading, each, value)} for value in values],
            }
        )
    return shown


def _option_text(reading: Reading, each: Any, value: str) -> str:
    """An option as people read it: the second column of the options' block when it has one, else the
    value's name."""
    if each.options:
        result = reading.result(each.options)
        if len(result.columns) > 1:
            key, name = result.columns[:2]
            return next(
                (str(row[name]) for row in result.rows if str(row[key]) == value and row[name]), value
            )
    return reading.words.value(each.name, value)
