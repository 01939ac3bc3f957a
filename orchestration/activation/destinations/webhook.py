"""Signed webhook: messages -> one POST each, signed by Standard Webhooks, over one kept-open connection.

Body: `{"type": "<sync>.upsert|remove", "timestamp": ..., "data": {"key", "version", "fields", "fill"}}`.
`fields` are to be overwritten, `fill` only where the receiver has nothing. A resend has the same
`webhook-id`, so a receiver that remembers ids stores it once; `version` lets it refuse a late older message.
Specification: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import httpx
from standardwebhooks import Webhook as Signer

from ingestion.http_answers import NEVER_LEFT, is_loopback, retry_after_seconds
from orchestration.activation.configuration import Sync
from orchestration.activation.destinations import (
    Answer,
    Destination,
    Guarantee,
    Message,
    NotConfigured,
    Outcome,
    json_value,
    masked,
    needed_secret,
)
from orchestration.activation.pacing import PACING_OPTIONS

_KEY_OR_ADDRESS_DEAD = {401, 407, 410}
_NOT_THE_ROWS_FAULT = {403, 404, 405}
_LONGEST_ANSWER = 64 * 1024


class Webhook(Destination):
    """One receiver address. Class D: doubt is settled by the receiver's memory of webhook-id."""

    guarantee: ClassVar = Guarantee("D", "at least once; exactly once for a receiver that honours webhook-id")
    modes: ClassVar = frozenset({"insert", "upsert", "mirror"})
    ownerships: ClassVar = frozenset({"overwrite", "fill"})
    secrets: ClassVar = frozenset({"url", "secret"})
    known_options: ClassVar = frozenset({"timeout_seconds"}) | PACING_OPTIONS
    reads_by_key: ClassVar = False
    rows_per_call: ClassVar = 1

    def __init__(self, url: str, signer: Signer, timeout_seconds: float) -> None:
        # httpx logs each address at INFO, and a webhook's address is often its password.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self._url, self._signer = url, signer
        self._client = httpx.Client(
            timeout=timeout_seconds,
            follow_redirects=False,  # personal data goes to the configured host or nowhere
            trust_env=not is_loopback(httpx.URL(url).host),
            headers={"content-type": "application/json", "user-agent": "ikusei-activation"},
        )

    @classmethod
    def open(cls, sync: Sync, out_dir: Path, secrets: Mapping[str, str]) -> Webhook:
        """Checks address and secret. Raises NotConfigured naming the variable, never its value."""
        url = checked_url(needed_secret(sync, "url", secrets), sync.secrets["url"])
        try:
            signer = Signer(needed_secret(sync, "secret", secrets))
        except NotConfigured:
            raise
        except Exception as error:
            raise NotConfigured(
                f"{sync.name} is not configured: {sync.secrets['secret']} is not a Standard Webhooks secret; "
                "write whsec_ and base64, such as the output of: echo whsec_$(openssl rand -base64 32)"
            ) from error
        # Half a lease: a request must end before another process may take the sync over.
        return cls(url, signer, min(30.0, float(sync.options.get("timeout_seconds", 10))))

    def send(self, messages: Sequence[Message], whole: Callable[[], Sequence[Message]]) -> list[Answer]:
        """One POST for each message; `whole` is not needed."""
        return [self._post(message) for message in messages]

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()

    def _post(self, message: Message) -> Answer:
        body = message_body(message)
        sent_at = datetime.fromtimestamp(int(time.time()), tz=UTC)
        headers = {
            "webhook-id": message.message_id,
            "webhook-timestamp": str(int(sent_at.timestamp())),
            "webhook-signature": self._signer.sign(message.message_id, sent_at, body),
        }
        try:
            with self._client.stream("POST", self._url, content=body.encode(), headers=headers) as response:
                return answer_of(response, _beginning(response), message)
        except NEVER_LEFT as error:
            return Answer(Outcome.UNREACHED, error_class="no_connection", text=type(error).__name__)
        except httpx.TimeoutException as error:
            return Answer(Outcome.UNKNOWN, error_class="time_out", text=type(error).__name__)
        except httpx.HTTPError as error:
            return Answer(Outcome.UNKNOWN, error_class="broken_connection", text=type(error).__name__)


def message_body(message: Message) -> str:
    """The bytes that are signed; the same message gives the same bytes on every attempt."""
    data: dict[str, object] = {"key": message.key, "version": message.version}
    if message.op == "upsert":
        data["fields"] = {name: json_value(value) for name, value in message.fields.items()}
        data["fill"] = {name: json_value(value) for name, value in message.fill.items() if value is not None}
    kind = f"{message.sync}.{message.op}"
    said = {"type": kind, "timestamp": message.made_at, "data": data}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def answer_of(response: httpx.Response, text: str, message: Message) -> Answer:
    """What a status, a Retry-After and a body mean for the row (RFC 9110, sections 10.2.3 and 15)."""
    status = response.status_code
    wait = retry_after_seconds(response.headers.get("retry-after"), datetime.now(UTC))
    said = masked(text, message)
    if 200 <= status < 300:
        return _accepted(status, text, message)
    if status in (425, 429):
        return Answer(Outcome.RETRY, status, "rate_limited", str(status), said, wait)
    if status in _KEY_OR_ADDRESS_DEAD:
        return Answer(Outcome.REFUSED, status, "not_authorised", str(status), said, stops=True)
    if status in _NOT_THE_ROWS_FAULT or 300 <= status < 400:
        return Answer(Outcome.REFUSED, status, "refused", str(status), said)
    if status == 408 or status >= 500 or status < 200:
        return Answer(Outcome.UNKNOWN, status, "server_error", str(status), said, wait)
    return Answer(Outcome.REJECTED, status, "rejected", str(status), said)


def _accepted(status: int, text: str, message: Message) -> Answer:
    """2xx alone is not proof: an answer that names another key is about another row."""
    try:
        said = json.loads(text) if text.strip() else {}
    except ValueError:
        said = {}
    echoed = said.get("key") if isinstance(said, dict) else None
    if echoed is not None and str(echoed) != message.key:
        return Answer(Outcome.UNKNOWN, status, "wrong_echo", str(status), "the answer names another key")
    remote_id = said.get("id") if isinstance(said, dict) else None
    return Answer(Outcome.ACKED, status, remote_id=str(remote_id)[:200] if remote_id is not None else None)


def checked_url(url: str, variable: str) -> str:
    """The address, if personal data may go there: https, or http on this machine. Raises NotConfigured."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise NotConfigured(f"{variable} is not an address; write https://host/path.") from error
    if not parsed.host or parsed.scheme not in ("http", "https"):
        raise NotConfigured(f"{variable} is not an address; write https://host/path.")
    if parsed.scheme == "http" and not is_loopback(parsed.host):
        raise NotConfigured(
            f"{variable} is http to another machine, which anyone between can read; use https."
        )
    return url


def _beginning(response: httpx.Response) -> str:
    """The first 64 KB of an answer: a broken receiver must not fill our memory."""
    read = bytearray()
    for chunk in response.iter_bytes():
        read += chunk
        if len(read) > _LONGEST_ANSWER:
            break
    return bytes(read[:_LONGEST_ANSWER]).decode("utf-8", errors="replace")
