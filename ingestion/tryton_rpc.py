"""JSON-RPC to a Tryton server: a method and its arguments -> a result, or an error that says what is certain.

Certain is only what the server says inside a JSON-RPC answer: there an error means that its transaction was
rolled back. A connection that breaks, a time-out and any 5xx of server or proxy mean doubt: it may be done.
Protocol: https://docs.tryton.org/8.0/server/topics/jsonrpc.html (trytond/protocols/jsonrpc.py,
dispatcher.py).
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import httpx

from ingestion.http_answers import NEVER_LEFT, is_loopback, retry_after_seconds


class TrytonError(Exception):
    """A call that did not give a result. `kind` is a short word for logs, never a value."""

    def __init__(self, kind: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(kind)
        self.kind, self.status, self.retry_after = kind, status, retry_after


class NotReached(TrytonError):
    """The request never left this machine, or a limiter turned it away unread: nothing was done."""


class Busy(TrytonError):
    """429: nothing was done, ask again later (`retry_after` seconds)."""


class InDoubt(TrytonError):
    """It may have been done, or be done later: time-out, broken connection, 5xx."""


class NotAllowed(TrytonError):
    """401, 403, 404: the user, its rights or the address are wrong; nothing was done."""


class Refused(TrytonError):
    """The server said no and rolled back. `text` is its sentence, which may quote values."""

    def __init__(self, kind: str, text: str, status: int | None = 200) -> None:
        super().__init__(kind, status=status)
        self.text = text


class Changed(Refused):
    """Somebody wrote the record since it was read (ConcurrencyException)."""


class Tryton:
    """One session of one user on one database. Not for several threads."""

    def __init__(
        self, url: str, user: str, password: str, *, timeout_seconds: float = 30, language: str = "en"
    ) -> None:
        """`url` ends in the database: http://host:8000/crm. Nothing is asked of the server here."""
        # httpx logs each address at INFO.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self._url, self._user, self._password = httpx.URL(url.rstrip("/") + "/"), user, password
        self._client = httpx.Client(
            timeout=timeout_seconds,
            follow_redirects=False,  # personal data goes to the configured host or nowhere
            trust_env=not is_loopback(self._url.host),
            headers={"content-type": "application/json", "accept": "application/json"},
        )
        self._session: str | None = None
        self._language = language
        self.context: dict[str, Any] = {}
        self.requests = 0
        self.user_id: int | None = None  # known from the first call on

    def close(self) -> None:
        """Closes the connection; the session ends by itself."""
        self._client.close()

    def call(self, method: str, *params: Any, context: Mapping[str, Any] | None = None) -> Any:
        """The result of `model.<name>.<method>(*params)` with the user's preferences as context.

        Raises TrytonError; its class says what is certain.
        """
        if self._session is None:
            self._login()
        said = [*params, {**self.context, **(context or {})}]
        try:
            return self._ask(method, said)
        except NotAllowed as error:
            if error.status != 401:
                raise
            self._login()  # sessions run out; a request that was turned away with 401 did nothing
            return self._ask(method, said)

    def _login(self) -> None:
        """A session and its context, both or none: without its company a user sees no employees."""
        self._session = None
        try:
            who = [self._user, {"password": self._password}, self._language]
            user_id, token = self._ask("common.db.login", who)[:2]
            said = f"{self._user}:{user_id}:{token}".encode()
            session = "Session " + base64.b64encode(said).decode()
            preferences = self._ask("model.res.user.get_preferences", [True, {}], session)
        except InDoubt as error:  # asking for a session changes nothing that matters
            raise NotReached(error.kind, status=error.status, retry_after=error.retry_after) from error
        except (Refused, TypeError, ValueError) as error:
            raise NotAllowed("login", status=401) from error
        self.user_id = int(user_id)
        self._session, self.context = session, {**preferences, "client": "ikusei"}

    def _ask(self, method: str, params: list[Any], session: str | None = None) -> Any:
        body = json.dumps({"id": self.requests, "method": method, "params": params}, default=_encoded)
        session = session or self._session
        headers = {"authorization": session} if session else {}
        self.requests += 1
        try:
            response = self._client.post(self._url.join("rpc/"), content=body.encode(), headers=headers)
        except NEVER_LEFT as error:
            raise NotReached(type(error).__name__) from error
        except httpx.TimeoutException as error:
            raise InDoubt("time_out") from error
        except httpx.HTTPError as error:
            raise InDoubt("broken_connection") from error
        return result_of(response)


def result_of(response: httpx.Response) -> Any:
    """The result in an answer of JSON-RPC or REST. Raises TrytonError.

    JSON-RPC says errors with status 200; REST says 400 for a user's error but also 500 with HTML for an
    unknown field or a wrong type: permanent, dressed as transient. A 500 is therefore doubt here, and the
    sender reads by key before it asks again.
    """
    status = response.status_code
    wait = retry_after_seconds(response.headers.get("retry-after"), datetime.now(UTC))
    if status in (425, 429):
        raise Busy("rate_limited", status=status, retry_after=wait)
    if status in (401, 403, 404, 405, 407, 410) or 300 <= status < 400:
        raise NotAllowed("not_authorised" if status == 401 else "refused", status=status)
    if status == 408 or status >= 500 or status < 200:
        raise InDoubt("server_error", status=status, retry_after=wait)
    try:
        said = json.loads(response.content, object_hook=_decoded) if response.content else None
    except ValueError as error:
        if status >= 400:
            raise Refused("UserError", response.text[:300], status) from error
        raise InDoubt("unreadable_answer", status=status) from error
    if status >= 400:
        text = f"{said.get('message')} {said.get('description')}" if isinstance(said, dict) else str(said)
        raise (Changed if status == 423 else Refused)("UserError", text, status)
    if isinstance(said, dict) and said.get("error") is not None:
        raise _refusal(said["error"])
    return said["result"] if isinstance(said, dict) and "result" in said and "id" in said else said


def _refusal(error: Any) -> Refused:
    """An error inside a JSON-RPC answer: ["UserError", [message, description, ...]] or [text, traceback]."""
    kind = error[0] if isinstance(error, list) and error and isinstance(error[0], str) else ""
    if kind == "ConcurrencyException":
        return Changed(kind, kind)
    if kind in ("UserError", "UserWarning"):
        words = error[1] if len(error) > 1 and isinstance(error[1], list) else error[1:]
        return Refused(kind, " ".join(str(word) for word in words[:2] if word))
    return Refused("exception", kind or "error")


def _encoded(value: Any) -> Any:
    """Python -> Tryton's JSON (trytond/protocols/jsonrpc.py)."""
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo else value
        names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
        return {"__class__": "datetime", **{name: getattr(moment, name) for name in names}}
    if isinstance(value, date):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    raise TypeError(f"{type(value).__name__} cannot be sent to Tryton")


def _decoded(said: dict[str, Any]) -> Any:
    kind = said.get("__class__")
    parts = {name: value for name, value in said.items() if name != "__class__"}
    if kind == "Decimal":
        return Decimal(parts["decimal"])
    if kind == "datetime":
        return datetime(**parts)
    if kind == "date":
        return date(**parts)
    if kind == "time":
        return time(**parts)
    if kind == "timedelta":
        return timedelta(**parts)
    return said
