"""Slack: one line a row into a channel, by an incoming webhook; a notice, not a record.

Nothing can be read back and nothing carries a key, so a message in doubt is sent again and may stand there
twice: class D. The text is made of the fields that the sync file names. Fields that say who a person is leave
only with `personal_data: allowed`: a channel has more readers than a sales tool, and keeps what it was told.

Vendor: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/ (answers and errors),
https://docs.slack.dev/apis/web-api/rate-limits (one message a second and channel; 429 with Retry-After)
"""

from __future__ import annotations

import logging
import string
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import httpx

from ingestion.http_answers import is_loopback
from ingestion.vendor_calls import CallFailed, Certainty, failure_of_status
from orchestration.activation.configuration import Sync
from orchestration.activation.destinations import (
    Answer,
    Destination,
    Guarantee,
    Message,
    NotConfigured,
    Outcome,
    json_value,
    needed_secret,
)
from orchestration.activation.destinations.keyed import answer_of
from orchestration.activation.destinations.webhook import checked_url
from orchestration.activation.pacing import PACING_OPTIONS

# Columns of the sync models that say who somebody is, or what may quote them.
PERSONAL_COLUMNS = frozenset(
    {
        *("email", "display_name", "party_name", "phone", "person_name", "last_name", "first_name"),
        *("attention", "approach_note", "address", "visitor_id", "hashed_email"),
    }
)
_OWN_ERRORS = {"invalid_token", "no_service", "no_team", "team_disabled", "action_prohibited"}


class Slack(Destination):
    """One channel."""

    guarantee: ClassVar = Guarantee(
        "D", "at least once; a notice whose answer was lost may stand there twice"
    )
    package: ClassVar = ("slack_sdk", "slack")
    modes: ClassVar = frozenset({"insert", "upsert"})
    ownerships: ClassVar = frozenset({"overwrite"})
    secrets: ClassVar = frozenset({"url"})
    needed_options: ClassVar = frozenset({"text"})
    known_options: ClassVar = PACING_OPTIONS | {"personal_data", "timeout_seconds"}
    reads_by_key: ClassVar[bool] = False
    rows_per_call: ClassVar = 1

    def __init__(self, client: Any, text: str, errors: tuple[type[Exception], ...]) -> None:
        self._client, self._text, self._errors = client, text, errors
        self.requests = 0

    @classmethod
    def open(cls, sync: Sync, out_dir: Path, secrets: Mapping[str, str]) -> Slack:
        """Checks the address, the text and what it may say. Raises NotConfigured."""
        url = checked_url(needed_secret(sync, "url", secrets), sync.secrets["url"])
        text = str(sync.options["text"])
        _check_text(sync, text)
        try:
            import urllib.error

            from slack_sdk.webhook import WebhookClient
        except ImportError as error:
            raise NotConfigured(
                f"{sync.name} is not configured: Slack needs a package that is not installed: "
                "pip install 'ikusei[slack]'."
            ) from error
        logger = logging.getLogger("ikusei.slack_sdk")
        logger.setLevel(logging.WARNING)  # at DEBUG the library writes whole messages into the log
        seconds = int(min(30.0, float(sync.options.get("timeout_seconds", 10))) + 0.5) or 1
        client = WebhookClient(url, timeout=seconds, retry_handlers=[], logger=logger)
        if is_loopback(httpx.URL(url).host):
            client.proxy = None
        return cls(client, text, (urllib.error.URLError, OSError))

    def send(self, messages: Sequence[Message], whole: Callable[[], Sequence[Message]]) -> list[Answer]:
        """One notice for each message; what is taken back is not told."""
        return [self._post(message) for message in messages]

    def _post(self, message: Message) -> Answer:
        if message.op == "remove":
            return Answer(Outcome.ACKED)
        self.requests += 1
        try:
            answer = self._client.send(text=self._said(message))
        except self._errors as error:
            return answer_of(_broken(error), message, is_doubtful=True)
        except Exception as error:
            import http.client

            if not isinstance(error, http.client.HTTPException):
                raise
            return answer_of(_broken(error), message, is_doubtful=True)
        if answer.status_code == 200:
            return Answer(Outcome.ACKED, 200)
        return self._refusal(answer, message)

    def _refusal(self, answer: Any, message: Message) -> Answer:
        headers = {name.lower(): value for name, value in (answer.headers or {}).items()}
        code = str(answer.body or "")[:60]
        failed = failure_of_status(answer.status_code, retry_after=headers.get("retry-after"), code=code)
        if answer.status_code == 410 or code in _OWN_ERRORS:
            failed = CallFailed(Certainty.NOT_ALLOWED, "refused", status=403, code=code)
        if failed.certainty is Certainty.REFUSED:
            return Answer(Outcome.REJECTED, answer.status_code, "rejected", code)
        return answer_of(failed, message, is_doubtful=True)

    def _said(self, message: Message) -> str:
        values = {name: _escaped(value) for name, value in message.fields.items()}
        return self._text.format_map(values)


def _check_text(sync: Sync, text: str) -> None:
    """Every `{name}` must be a field of the sync, and none may be personal unless the file says so."""
    names = {field.name: field.column for field in sync.sent_fields}
    try:
        used = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
    except ValueError as error:
        raise NotConfigured(f"{sync.path}: options.text has a brace without its pair ({error}).") from error
    for name in used:
        if name not in names:
            raise NotConfigured(f"{sync.path}: options.text names '{name}', which is not among the fields.")
    allowed = str(sync.options.get("personal_data", "never"))
    if allowed not in ("never", "allowed"):
        raise NotConfigured(f"{sync.path}: options.personal_data is never or allowed.")
    personal = sorted(name for name, column in names.items() if {name, column} & PERSONAL_COLUMNS)
    if personal and allowed == "never":
        raise NotConfigured(
            f"{sync.path}: '{personal[0]}' says who a person is; give it the ownership never, or write "
            "personal_data: allowed into the options if everybody in the channel may know."
        )


def _escaped(value: Any) -> str:
    """Slack's three signs (https://docs.slack.dev/messaging/formatting-message-text#escaping)."""
    said = json_value(value)
    text = "-" if said in (None, "") else str(said)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _broken(error: BaseException) -> CallFailed:
    reason = getattr(error, "reason", error)
    if isinstance(reason, ConnectionRefusedError) or type(reason).__name__ == "gaierror":
        return CallFailed(Certainty.NOT_REACHED, "no_connection")
    if isinstance(reason, TimeoutError):
        return CallFailed(Certainty.IN_DOUBT, "time_out")
    return CallFailed(Certainty.IN_DOUBT, "broken_connection")
