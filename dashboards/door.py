"""The door: every request but the log-in and the assets needs a reader, once users are configured.

    GET  /login    the form, with a token bound to a cookie of its own
    POST /login    name, password, token -> the session's cookie
    POST /logout   token bound to the session -> the cookie is dropped

No header says who somebody is: only the signed cookie does, and the role stands in the users' file. Without
users the pages are open to this machine (`make demo`), and closed to every other one.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboards.accounts import NOBODY_ASKED, SESSION_SECONDS, Accounts

SESSION, FORM = "ikusei_session", "ikusei_form"
LONGEST_FORM = 4096  # bytes
TRIES, PAUSE_SECONDS = 5, 60


class Door:
    """ASGI middleware that puts the reader into `request.state.reader`, or leads to the log-in."""

    def __init__(self, app: ASGIApp, accounts: Accounts, must_log_in: bool) -> None:
        self.app, self.accounts, self.must_log_in = app, accounts, must_log_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through with its reader; answer it here when there is none."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        users = self.accounts.names()
        reader = self.accounts.reader(request.cookies.get(SESSION), time.time()) if users else None
        if not users and not self.must_log_in:
            reader = NOBODY_ASKED
        path = request.url.path
        if reader is None and path != "/login" and not path.startswith("/assets/"):
            await self._to_login(request)(scope, receive, send)
            return
        scope.setdefault("state", {})["reader"] = reader
        await self.app(scope, receive, send)

    def _to_login(self, request: Request) -> Response:
        """The way to the form, which leads back to what was asked for."""
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        back = {"next": asked} if request.method == "GET" else {}
        address = f"/login?{urlencode({**_language(request), **back})}"
        return RedirectResponse(address, 303, headers={"Cache-Control": "no-store"})


class Login:
    """The form, and what becomes of it. `show` renders it: (request, status, values) -> Response."""

    def __init__(self, accounts: Accounts, show: Callable[..., Response]) -> None:
        self.accounts, self.show = accounts, show
        self._failures: dict[str, list[float]] = {}
        self._lock = threading.Lock()
        self._hashing = threading.Semaphore(2)  # each hash takes 16 MB and most of a tenth of a second

    async def login(self, request: Request) -> Response:
        """The form (GET), or a try (POST): 303 to where the reader wanted to go, 401 for a wrong password."""
        if request.method != "POST":
            return self._form(request, 200, None)
        fields = await _fields(request)
        cookie = request.cookies.get(FORM, "")
        if not cookie or not secrets.compare_digest(fields.get("token", ""), self.accounts.token(cookie)):
            return self._form(request, 400, "form_too_old")
        name = fields.get("name", "")
        if self._must_wait(name):
            return self._form(request, 429, "login_wait")
        reader = await run_in_threadpool(self._checked, name, fields.get("password", ""))
        if reader is None:
            return self._form(request, 401, "login_wrong")
        answer = RedirectResponse(_inside(request.query_params.get("next")), 303)
        _set(request, answer, SESSION, self.accounts.cookie(name, time.time()), SESSION_SECONDS)
        return answer

    async def logout(self, request: Request) -> Response:
        """End the session of this browser; only a form of our own page can ask for it."""
        fields = await _fields(request)
        session = request.cookies.get(SESSION, "")
        if session and secrets.compare_digest(fields.get("token", ""), self.accounts.token(session)):
            answer: Response = RedirectResponse(f"/login?{urlencode(_language(request))}", 303)
            _set(request, answer, SESSION, "", 0)
            return answer
        return self._form(request, 400, "form_too_old")

    def _form(self, request: Request, status: int, trouble: str | None) -> Response:
        cookie = request.cookies.get(FORM) or secrets.token_urlsafe(24)
        has_users = bool(self.accounts.names())
        token = self.accounts.token(cookie) if has_users else ""
        key = trouble if has_users else "no_users"
        answer = self.show(request, status if has_users else 503, token=token, trouble=key)
        _set(request, answer, FORM, cookie, 3600)
        return answer

    def _checked(self, name: str, password: str) -> Any:
        with self._hashing:
            reader = self.accounts.check(name, password)
        with self._lock:
            if reader is None:
                self._failures.setdefault(name, []).append(time.monotonic())
            else:
                self._failures.pop(name, None)
        return reader

    def _must_wait(self, name: str) -> bool:
        """Five wrong passwords within a minute close a name for the rest of it."""
        since = time.monotonic() - PAUSE_SECONDS
        with self._lock:
            kept = {each: [at for at in tries if at > since] for each, tries in self._failures.items()}
            self._failures = {each: tries for each, tries in kept.items() if tries}
            return len(self._failures.get(name, [])) >= TRIES


async def _fields(request: Request) -> dict[str, str]:
    """The fields of a small form; none when it is larger than any of ours."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_FORM:
            return {}
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _inside(address: str | None) -> str:
    """A path of our own to go on to; the first page for anything that could lead elsewhere."""
    is_ours = (
        address
        and address.startswith("/")
        and not address.startswith(("//", "/\\"))
        and address.isprintable()
    )
    return address if is_ours and "\\" not in address else "/"


def _language(request: Request) -> dict[str, str]:
    language = request.query_params.get("lang")
    return {"lang": language} if language else {}


def _set(request: Request, answer: Response, name: str, value: str, seconds: int) -> None:
    """A cookie that no script reads, no other site sends and, under https, no plain line carries."""
    answer.set_cookie(
        name,
        value,
        max_age=seconds,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        path="/",
    )
