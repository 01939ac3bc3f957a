"""An HTTP server on loopback for the doubles of vendors: each request goes to `answer`, and is counted.

A double keeps what it was told in a store of its own, which the tests judge by. `twist` lets it answer as
vendors do on a bad day although it did its work: `half` (the answers of some rows are missing), `turned`
(rows in another order, where the vendor gives no order), `empty` (200 without rows), `twice` (a row's answer
comes twice).
"""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class VendorError(Exception):
    """The double says no: status, body and headers as the vendor has them."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body, self.headers = status, body, dict(headers or {})


class Double(ABC):
    """One vendor. Subclasses write `answer`."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.requests: list[tuple[str, str]] = []
        self.complaints: list[str] = []  # requests or answers that break the vendor's contract
        self.planned: list[VendorError] = []  # answers instead of work, one a request
        self.twists: list[str] = []  # taken one a write
        self.holds = 0  # writes that a gateway keeps: 504 now, done at `release`
        self.held: list[tuple[Any, ...]] = []
        self.headers: dict[str, str] = {}
        self.url, self.port = "", 0

    @abstractmethod
    def answer(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: Any
    ) -> tuple[int, Any]:
        """Status and body of a request. Raises VendorError."""

    def release(self) -> None:
        """What a gateway kept arrives at last; nobody hears the answer."""
        with self.lock:
            while self.held:
                with suppress(VendorError):
                    self.answer(*self.held.pop(0))

    def twist(self, rows: list[Any]) -> list[Any]:
        """The rows of an answer as the next planned bad day gives them."""
        kind = self.twists.pop(0) if self.twists else ""
        if kind == "half":
            return rows[: len(rows) // 2]
        if kind == "turned":
            return rows[::-1]
        if kind == "empty":
            return []
        return [*rows, *rows[:1]] if kind == "twice" else rows

    def wrote(self) -> int:
        """Requests that may have written."""
        return sum(self.is_write(method, path) for method, path in self.requests)

    def is_write(self, method: str, path: str) -> bool:
        """Does this request write?"""
        return method != "GET"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    double: Double

    def _do(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        is_json = "json" in headers.get("content-type", "")
        double = self.double
        with double.lock:
            double.requests.append((self.command, parts.path))
            more: dict[str, str] = {}
            try:
                if double.planned:
                    raise double.planned.pop(0)
                body = json.loads(raw) if raw and is_json else raw.decode()
                asked = (self.command, parts.path, query, headers, body)
                if double.holds and double.is_write(self.command, parts.path):
                    double.holds -= 1
                    double.held.append(asked)
                    raise VendorError(504, "")
                status, said = double.answer(*asked)
            except VendorError as error:
                status, said, more = error.status, error.body, error.headers
        self._answer(status, said, {**double.headers, **more})

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _do

    def _answer(self, status: int, said: Any, headers: Mapping[str, str]) -> None:
        is_text = isinstance(said, str)
        content = (
            b"" if said is None else (said if is_text else json.dumps(said, ensure_ascii=False)).encode()
        )
        with suppress(OSError):
            self.send_response(status)
            self.send_header("content-type", "text/html" if is_text else "application/json")
            self.send_header("content-length", str(len(content)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    def handle(self) -> None:
        with suppress(OSError):
            super().handle()

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            super().finish()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(double: Double, wrap: Callable[[Any], Any] = lambda socket: socket) -> Iterator[Double]:
    """The double on a free port of loopback; `wrap` puts TLS around its socket."""
    handler = type("Handler", (_Handler,), {"double": double, "wbufsize": -1})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    plain = server.socket
    server.socket = wrap(plain)
    server.daemon_threads = True
    double.port = server.server_port
    double.url = f"http{'s' if server.socket is not plain else ''}://127.0.0.1:{double.port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield double
    finally:
        server.shutdown()
        server.server_close()
