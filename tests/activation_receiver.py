"""A webhook receiver on loopback: checks signatures for real and fails, when told, as networks do.

Requests come in -> what a receiver that honours webhook-id and version would hold (`state`), plus every
request seen.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Receiver:
    """What the other side stored. `faults` are taken one a request; `on_request` gets the request's number.

    Faults: 'ok', a status such as '429:0' (Retry-After after the colon), 'store+500', 'close' (before
    storing), 'store+close', 'store+slow' (answers after `slow_seconds`).
    """

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.poison: set[str] = set()
        self.slow_seconds = 0.5
        self.on_request: Callable[[int, str], None] = lambda number, moment: None
        self.bodies: list[dict] = []
        self.ids: list[str] = []
        self.raw: dict[str, set[bytes]] = {}
        self.seen_ids: set[str] = set()
        self.stored: list[str] = []
        self.state: dict[str, dict] = {}
        self.versions: dict[str, int] = {}
        self.bad_signatures = 0
        self.connections = 0
        self.lock = threading.Lock()
        self.url = ""

    def clear(self) -> None:
        """Forgets the requests, keeps what is stored."""
        self.bodies, self.ids = [], []

    def store(self, message_id: str, body: dict) -> None:
        """Stores once a webhook-id, and never an older version over a newer one."""
        data = body["data"]
        if message_id in self.seen_ids:
            return
        self.seen_ids.add(message_id)
        self.stored.append(data["key"])
        if data["version"] <= self.versions.get(data["key"], 0):
            return
        self.versions[data["key"]] = data["version"]
        if body["type"].endswith(".remove"):
            self.state.pop(data["key"], None)
        else:
            self.state[data["key"]] = data["fields"]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    receiver: Receiver

    def setup(self) -> None:
        super().setup()
        self.receiver.connections += 1

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        receiver = self.receiver
        try:
            body = Webhook(SECRET).verify(raw, dict(self.headers))
        except Exception:
            receiver.bad_signatures += 1
            self._answer(401)
            return
        message_id = self.headers["webhook-id"]
        with receiver.lock:
            receiver.bodies.append(body)
            receiver.ids.append(message_id)
            receiver.raw.setdefault(message_id, set()).add(raw)
            number = len(receiver.bodies)
            fault = receiver.faults.pop(0) if receiver.faults else "ok"
        receiver.on_request(number, "before")
        if body["data"]["key"] in receiver.poison:
            name = body["data"].get("fill", {}).get("email", "")
            self._answer(422, json.dumps({"error": f"{name} is not an address we take"}))
            return
        if fault.startswith("store") or fault == "ok":
            with receiver.lock:
                receiver.store(message_id, body)
            receiver.on_request(number, "stored")
        if fault.endswith("close"):
            self.close_connection = True
            self.connection.close()
        elif fault == "store+slow":
            time.sleep(receiver.slow_seconds)
            self._answer(200)
        elif fault == "ok":
            self._answer(200)
        else:
            status, _, wait = fault.removeprefix("store+").partition(":")
            self._answer(int(status), retry_after=wait or None)

    def _answer(self, status: int, text: str = "{}", retry_after: str | None = None) -> None:
        try:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text.encode())))
            if retry_after is not None:
                self.send_header("retry-after", retry_after)
            self.end_headers()
            self.wfile.write(text.encode())
        except OSError:  # the sender gave up, as it may
            self.close_connection = True

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            super().finish()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def receiver_running() -> Iterator[Receiver]:
    """A receiver on a free port of loopback."""
    receiver = Receiver()
    handler = type("Handler", (_Handler,), {"receiver": receiver, "wbufsize": -1})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}/leads"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
