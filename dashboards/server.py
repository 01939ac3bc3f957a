"""From a request to a page: Starlette over the published file. Everything is served from here; nothing from
outside.

/                      pages/index.md          ?lang=ja&month=2026-10
/<page>                pages/<page>.md
/<page>/<block>.csv    all rows of a block, UTF-8 with BOM
/assets/<file>         style, script and the vendored chart library, kept in memory, compressed once
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from dashboards.components import LAYOUTS
from dashboards.csv_file import csv_text
from dashboards.metrics import Metrics
from dashboards.pages import BadFilter, Page, Rendered, read_pages, render
from dashboards.publication import NothingPublished, Publication, Run, read_run
from dashboards.reading import NotThere, PageTrouble, Reading
from dashboards.tables import sorted_sql
from dashboards.words import LANGUAGES, Words, choose_language, read_words

LOG = logging.getLogger(__name__)
ASSETS = Path(__file__).parent / "assets"
SERVED = (".css", ".js", ".svg")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
HEADERS = {
    # The chart library sizes its drawing through style attributes; style sheets and scripts are ours alone.
    "Content-Security-Policy": "default-src 'self'; style-src-attr 'unsafe-inline'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PERSONAL = {"Cache-Control": "private, no-store"}


@dataclass(frozen=True)
class Asset:
    """A file of `assets/`, with its compressed form and the digest that its address carries."""

    body: bytes
    packed: bytes
    media_type: str
    digest: str


def read_assets(folder: Path = ASSETS) -> dict[str, Asset]:
    """The files of `assets/` by their path below it. Raises OSError."""
    return {
        path.relative_to(folder).as_posix(): _asset(path)
        for path in sorted(folder.rglob("*"))
        if path.suffix in SERVED and not path.name.endswith(".entry.js")
    }


def _asset(path: Path) -> Asset:
    body = path.read_bytes()
    media_type = mimetypes.types_map.get(path.suffix, "application/octet-stream")
    return Asset(body, gzip.compress(body, 9, mtime=0), media_type, hashlib.sha256(body).hexdigest()[:12])


class Site:
    """The pages over one folder of published files."""

    def __init__(self, serving: Path, zone: str, manifest: Path) -> None:
        self.publication, self.zone, self.manifest = Publication(serving), zone, manifest
        self.assets = read_assets()

    # -- what is asked for -------------------------------------------------------------------------

    def page(self, request: Request) -> Response:
        """One page. 400 for a filter that cannot be read, 404 for what is not there, 503 before any
        publication."""
        return self._answer(request, self._page)

    def csv(self, request: Request) -> Response:
        """All rows of one block as a CSV file."""
        return self._answer(request, self._csv)

    def asset(self, request: Request) -> Response:
        """A style sheet, script or picture, for a year: its address changes when it does."""
        asset = self.assets.get(request.path_params["path"])
        if asset is None:
            return self.not_found(request)
        packed = "gzip" in request.headers.get("accept-encoding", "")
        headers = {
            **HEADERS,
            "Cache-Control": "public, max-age=31536000, immutable",
            "Vary": "Accept-Encoding",
        }
        if packed:
            headers["Content-Encoding"] = "gzip"
        return Response(asset.packed if packed else asset.body, media_type=asset.media_type, headers=headers)

    def broken(self, request: Request, _: Exception) -> Response:
        """Something that nobody foresaw; the server's log has it, the reader a sentence."""
        return self._message(request, self._words(request), 500, "trouble")

    def not_found(self, request: Request, _: Exception | None = None) -> Response:
        """There is no such page."""
        return self._message(request, self._words(request), 404, "not_found")

    # -- how it is answered ------------------------------------------------------------------------

    def _words(self, request: Request) -> Words:
        language = choose_language(request.query_params.get("lang"), request.headers.get("accept-language"))
        return read_words(language, self.zone)

    def _answer(self, request: Request, respond: Any) -> Response:
        """Call `respond(request, words, page, cursor)` and turn what may go wrong into a sentence."""
        words = self._words(request)
        name = request.path_params.get("page", "index")
        try:
            page = read_pages().get(name)
            if page is None:
                return self.not_found(request)
            with self.publication.reading() as cursor:
                return respond(request, words, page, cursor)
        except BadFilter as bad:
            label = words.label(bad.name)
            return self._message(request, words, 400, "bad_filter", hint=f"bad_{bad.kind}", name=label)
        except NotThere:
            return self._message(request, words, 404, "not_there")
        except NothingPublished:
            return self._message(request, words, 503, "nothing_published")
        except (PageTrouble, duckdb.Error) as trouble:
            LOG.error("A page could not be rendered: %s", trouble)
            detail = str(trouble) if isinstance(trouble, PageTrouble) else None
            return self._message(request, words, 500, "trouble", detail=detail)

    def _page(
        self, request: Request, words: Words, page: Page, cursor: duckdb.DuckDBPyConnection
    ) -> Response:
        reading = self._reading(request, words, page, cursor)
        html = page_html(reading, render(reading), read_run(cursor), self.asset_address)
        return HTMLResponse(html, headers={**HEADERS, **PERSONAL, "Content-Language": words.language})

    def _csv(self, request: Request, words: Words, page: Page, cursor: duckdb.DuckDBPyConnection) -> Response:
        reading = self._reading(request, words, page, cursor)
        block = request.path_params["block"]
        if block not in page.blocks:
            return self.not_found(request)
        sort = reading.address.get(f"{block}_sort")
        result = reading.window(block, sorted_sql(reading, block, sort)[0]) if sort else reading.result(block)
        headers = {
            **HEADERS,
            **PERSONAL,
            "Content-Disposition": f'attachment; filename="{page.name}-{block}.csv"',
        }
        return Response(csv_text(words, result), media_type="text/csv; charset=utf-8", headers=headers)

    def _reading(
        self, request: Request, words: Words, page: Page, cursor: duckdb.DuckDBPyConnection
    ) -> Reading:
        return Reading(page, cursor, Metrics.read(self.manifest), words, dict(request.query_params))

    def _message(
        self,
        request: Request,
        words: Words,
        status: int,
        key: str,
        hint: str | None = None,
        detail: str | None = None,
        **values: str,
    ) -> Response:
        sentence = words.text(f"messages.{key}", **values)
        if hint:
            sentence = f"{sentence} {words.text(f'messages.{hint}')}"
        html = LAYOUTS.get_template("message.html").render(
            frame(words, None, None, self.asset_address),
            title=words.text(f"messages.{key}_title"),
            sentence=sentence,
            detail=detail,
            back=f"/?lang={words.language}" if status in (400, 404) else None,
        )
        return HTMLResponse(html, status, headers={**HEADERS, **PERSONAL, "Content-Language": words.language})

    def asset_address(self, path: str) -> str:
        """The address of an asset, with its digest so that browsers may keep it."""
        return f"/assets/{path}?v={self.assets[path].digest}"


def frame(words: Words, reading: Reading | None, run: Run | None, asset_address: Any) -> dict[str, Any]:
    """What the frame around every page shows: menu, languages, run."""
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
        **_menu(words, reading.page if reading else None),
        "languages": languages,
        "run": run,
        "as_of": words.value("as_of", run.as_of) if run else "",
        "published_at": words.value("published_at", run.published_at) if run else "",
        "zone": str(words.zone),
    }


def _menu(words: Words, here: Page | None) -> dict[str, Any]:
    """The sections, each led by its first page, and the pages of the section that the reader is in."""
    listed = [page for page in read_pages().values() if page.order is not None]
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


def page_html(reading: Reading, rendered: Rendered, run: Run, asset_address: Any) -> str:
    """The whole HTML document of a page."""
    # The filters stand below the heading: it is what a reader, or a screen reader, should meet first.
    heading, end, rest = rendered.body.partition("</h1>")
    return LAYOUTS.get_template("page.html").render(
        frame(reading.words, reading, run, asset_address),
        title=reading.page.title[reading.words.language],
        filters=_filters(reading),
        # The body is made of autoescaped layouts and of Markdown without raw HTML.
        heading=Markup(heading + end if end else ""),
        body=Markup(rest if end else heading),
        has_charts=rendered.has_charts,
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


def create_app(
    serving: Path,
    *,
    zone: str = "Asia/Tokyo",
    manifest: Path | None = None,
    hosts: Sequence[str] = ("*",),
) -> Starlette:
    """The pages as an ASGI application.

    serving: the folder with the link `serving.duckdb`; it may be empty for now. zone: in which times are
    shown. manifest: dbt's semantic_manifest.json, by default the copy beside the link. hosts: names by which
    the pages may be called; `serve` allows loopback names only, so that no web site can reach them through a
    name of its own.
    """
    site = Site(serving, zone, manifest or serving / "semantic_manifest.json")
    routes = [
        Route("/", site.page),
        Route("/assets/{path:path}", site.asset),
        Route("/{page}", site.page),
        Route("/{page}/{block}.csv", site.csv),
    ]
    middleware = [
        Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False),
        Middleware(GZipMiddleware, minimum_size=800, compresslevel=5),
    ]
    return Starlette(
        routes=routes, middleware=middleware, exception_handlers={404: site.not_found, 500: site.broken}
    )


def serve(serving: Path, host: str = "127.0.0.1", port: int = 8080, *, zone: str = "Asia/Tokyo") -> None:
    """Serve the pages until interrupted. Other machines reach them only when `host` is not a loopback
    address.

    There is no access log: an address may say which person was looked at.
    """
    import uvicorn

    hosts = ["127.0.0.1", "localhost", "[::1]"] if host in LOOPBACK else ["*"]
    app = create_app(serving, zone=zone, hosts=hosts)
    uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False, server_header=False)
