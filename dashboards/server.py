"""From a request to a page: Starlette over the published file. Everything is served from here; nothing from
outside.

/                      pages/index.md          ?lang=ja&month=2026-10
/<page>                pages/<page>.md
/<page>/<block>.csv    all rows of a block, UTF-8 with BOM
/login, /logout        the door (door.py), once there are users
/assets/<file>         style and icon, kept in memory, compressed once
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
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from dashboards.accounts import Accounts, Reader
from dashboards.components import LAYOUTS
from dashboards.csv_file import csv_text
from dashboards.door import SESSION, Door, Login
from dashboards.frame import frame, page_html
from dashboards.metrics import Metrics
from dashboards.pages import BadFilter, Page, read_pages, render
from dashboards.publication import NothingPublished, Publication, read_run
from dashboards.reading import NotThere, PageTrouble, Reading
from dashboards.tables import sorted_sql
from dashboards.words import Words, choose_language, read_words

LOG = logging.getLogger(__name__)
ASSETS = Path(__file__).parent / "assets"
SERVED = (".css", ".svg")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
HEADERS = {
    # Charts and bars are sized through style attributes; there is no script at all.
    "Content-Security-Policy": "default-src 'self'; script-src 'none'; style-src-attr 'unsafe-inline'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
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
        if path.suffix in SERVED
    }


def _asset(path: Path) -> Asset:
    body = path.read_bytes()
    media_type = mimetypes.types_map.get(path.suffix, "application/octet-stream")
    return Asset(body, gzip.compress(body, 9, mtime=0), media_type, hashlib.sha256(body).hexdigest()[:12])


class Site:
    """The pages over one folder of published files."""

    def __init__(self, serving: Path, zone: str, manifest: Path, accounts: Accounts) -> None:
        self.publication, self.zone, self.manifest = Publication(serving), zone, manifest
        self.accounts = accounts
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
        """A style sheet or picture, for a year: its address changes when it does."""
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
        words, reader = self._words(request), _reader(request)
        name = request.path_params.get("page", "index")
        try:
            page = read_pages().get(name)
            if page is None:
                return self.not_found(request)
            if not page.is_for(reader.role):
                return self._message(request, words, 403, "not_yours")
            with self.publication.reading(is_masked=reader.is_masked) as cursor:
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
            # A conversion that fails quotes the value, so a masked reader is told nothing of it.
            detail = str(trouble) if isinstance(trouble, PageTrouble) and not reader.is_masked else None
            return self._message(request, words, 500, "trouble", detail=detail)

    def _page(
        self, request: Request, words: Words, page: Page, cursor: duckdb.DuckDBPyConnection
    ) -> Response:
        reading = self._reading(request, words, page, cursor)
        html = page_html(
            reading, render(reading), read_run(cursor), self.asset_address, **self._account(request)
        )
        return HTMLResponse(html, headers={**HEADERS, **PERSONAL, "Content-Language": words.language})

    def _csv(self, request: Request, words: Words, page: Page, cursor: duckdb.DuckDBPyConnection) -> Response:
        reading = self._reading(request, words, page, cursor)
        block = request.path_params["block"]
        if block not in page.blocks:
            return self.not_found(request)
        result = reading.window(block, sorted_sql(reading, block, None)[0])
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

    def login_form(self, request: Request, status: int, *, token: str, trouble: str | None) -> Response:
        """The log-in, with a sentence when a try failed."""
        words = self._words(request)
        html = LAYOUTS.get_template("login.html").render(
            frame(words, None, None, self.asset_address, Reader(None, "")),
            title=words.text("messages.login_title"),
            token=token,
            trouble=words.text(f"messages.{trouble}") if trouble else None,
            next=request.query_params.get("next", ""),
        )
        return HTMLResponse(html, status, headers={**HEADERS, **PERSONAL, "Content-Language": words.language})

    def _account(self, request: Request) -> dict[str, Any]:
        """Who reads, and what the form that ends the session must bring back."""
        reader = _reader(request)
        session = request.cookies.get(SESSION, "")
        return {"reader": reader, "token": self.accounts.token(session) if reader.name else ""}

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
            frame(words, None, None, self.asset_address, **self._account(request)),
            title=words.text(f"messages.{key}_title"),
            sentence=sentence,
            detail=detail,
            back=f"/?lang={words.language}" if status in (400, 403, 404) else None,
        )
        return HTMLResponse(html, status, headers={**HEADERS, **PERSONAL, "Content-Language": words.language})

    def asset_address(self, path: str) -> str:
        """The address of an asset, with its digest so that browsers may keep it."""
        return f"/assets/{path}?v={self.assets[path].digest}"


def _reader(request: Request) -> Reader:
    """Who asks, as the door found; a request that did not come through it is nobody's and sees least."""
    return request.scope.get("state", {}).get("reader") or Reader(None, "marketer")


def create_app(
    serving: Path,
    *,
    zone: str = "Asia/Tokyo",
    manifest: Path | None = None,
    hosts: Sequence[str] = ("*",),
    users: Path | None = None,
    must_log_in: bool = False,
) -> Starlette:
    """The pages as an ASGI application.

    serving: the folder with the link `serving.duckdb`; it may be empty for now. zone: in which times are
    shown. manifest: dbt's semantic_manifest.json, by default the copy beside the link. hosts: names by which
    the pages may be called; `serve` allows loopback names only, so that no web site can reach them through a
    name of its own. users: the file of `ikusei dashboards user`; with a user in it everybody must log in.
    must_log_in: nobody comes in without a user, not even while there is none.
    """
    accounts = Accounts(users or serving / "users.json")
    site = Site(serving, zone, manifest or serving / "semantic_manifest.json", accounts)
    login = Login(accounts, site.login_form)
    routes = [
        Route("/", site.page),
        Route("/login", login.login, methods=["GET", "POST"]),
        Route("/logout", login.logout, methods=["POST"]),
        Route("/assets/{path:path}", site.asset),
        Route("/{page}", site.page),
        Route("/{page}/{block}.csv", site.csv),
    ]
    middleware = [
        Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False),
        Middleware(GZipMiddleware, minimum_size=800, compresslevel=5),
        Middleware(Door, accounts=accounts, must_log_in=must_log_in),
    ]
    return Starlette(
        routes=routes, middleware=middleware, exception_handlers={404: site.not_found, 500: site.broken}
    )


def serve(
    serving: Path,
    host: str = "127.0.0.1",
    port: int = 8080,
    *,
    zone: str = "Asia/Tokyo",
    users: Path | None = None,
) -> None:
    """Serve the pages until interrupted. Other machines reach them only when `host` is not a loopback
    address, and then everybody must log in.

    There is no access log: an address may say which person was looked at.
    """
    import uvicorn

    hosts = ["127.0.0.1", "localhost", "[::1]"] if host in LOOPBACK else ["*"]
    app = create_app(serving, zone=zone, hosts=hosts, users=users, must_log_in=host not in LOOPBACK)
    uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False, server_header=False)
