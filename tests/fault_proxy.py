"""A proxy on loopback that breaks requests as networks and gateways do, by a seed.

Faults: `429` and `500` (the server hears nothing), `close` (broken before the server hears), `done+close` and
`done+502` (the server did it, nobody says so), `late` (the answer comes after the client's time-out),
`zombie` (504 at once, and the request reaches the server 0.2 to 1.5 s later).
"""

from __future__ import annotations

import http.client
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KINDS = ("429", "500", "close", "done+close", "done+502", "late", "zombie")
_HOP = {"connection", "transfer-encoding", "keep-alive", "date", "server", "content-length"}

Answered = tuple[int, list[tuple[str, str]], bytes]


class FaultProxy:
    """What the proxy does now and what it did. `share` of the requests are broken; `late_seconds` is a long
    time.

    `on_request` is called with the number of each request and the moment, `before` or `after` the server
    did it.
    """

    def __init__(self, port: int, seed: int) -> None:
        self.target, self.rng = port, random.Random(seed)
        self.share, self.kinds, self.late_seconds = 0.0, KINDS, 1.0
        self.planned: dict[int, str] = {}  # number of a request -> its fault, whatever the share
        self.done: Counter[str] = Counter()
        self.requests = 0
        self.on_request: Callable[[int, str], None] = lambda number, moment: None
        self.lock, self.flying = threading.Lock(), []
        self.url = ""

    def next_fault(self) -> tuple[int, str | None, float]:
        """Number of the request, its fault, and a delay in seconds for what comes later."""
        with self.lock:
            self.requests += 1
            fault = self.rng.choice(self.kinds) if self.rng.random() < self.share else None
            fault = self.planned.get(self.requests, fault)
            if fault:
                self.done[fault] += 1
            return self.requests, fault, self.rng.uniform(0.2, 1.5)

    def let_all_land(self) -> None:
        """Waits until every delayed request has reached the server."""
        while self.flying:
            self.flying.pop().join()

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answered | None:
        """Asks the server; None when it is not there."""
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.target, timeout=60)
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: FaultProxy

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        proxy = self.proxy
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        number, fault, delay = proxy.next_fault()
        proxy.on_request(number, "before")
        if fault == "429":
            self._answer((429, [("Retry-After", "0")], b""))
        elif fault == "500":
            self._answer((500, [], b"<html>no</html>"))
        elif fault == "close":
            self._break()
        elif fault == "zombie":
            # Taken down now: the next request of this connection may have another path.
            asked = (self.command, self.path, headers, body)
            late = threading.Thread(target=self._later, args=(delay, asked))
            proxy.flying.append(late)
            late.start()
            self._answer((504, [], b""))
        else:
            answered = proxy.forward(self.command, self.path, headers, body)
            proxy.on_request(number, "after")
            if fault == "late":
                time.sleep(proxy.late_seconds)
            if fault == "done+close" or answered is None:
                self._break()
            else:
                self._answer((502, [], b"") if fault == "done+502" else answered)

    do_GET = do_PUT = do_PATCH = do_DELETE = do_POST

    def _later(self, delay: float, asked: tuple[str, str, dict[str, str], bytes]) -> None:
        time.sleep(delay)
        self.proxy.forward(*asked)

    def _break(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _answer(self, answered: Answered) -> None:
        status, headers, body = answered
        try:
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # the sender gave up or was killed, as it may
            self.close_connection = True

    def handle(self) -> None:
        with suppress(OSError):  # a killed sender resets its connection
            super().handle()

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            super().finish()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def proxy_before(port: int, path: str, seed: int) -> Iterator[FaultProxy]:
    """A proxy before a server on a port of loopback; its `url` ends in `path`."""
    proxy = FaultProxy(port, seed)
    handler = type("Handler", (_Handler,), {"proxy": proxy, "wbufsize": -1})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{server.server_port}{path}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield proxy
    finally:
        proxy.let_all_land()
        server.shutdown()
        server.server_close()
