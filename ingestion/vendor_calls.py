"""What is certain after a call to a vendor that gave no result: shared by the senders and the way back.

A vendor's client raises many kinds of errors; here each becomes one `CallFailed` that says whether anything
may have been done. Status codes: RFC 9110, section 15; waiting: RFC 9110, 10.2.3 and RFC 6585, section 4.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from ingestion.http_answers import retry_after_seconds


class Certainty(StrEnum):
    """What a failed call leaves us knowing."""

    NOT_REACHED = "not_reached"  # it never left this machine
    BUSY = "busy"  # turned away unread: ask again later
    NOT_ALLOWED = "not_allowed"  # key, rights or address are wrong; nothing was done
    REFUSED = "refused"  # the vendor said no to this very content; nothing was done
    IN_DOUBT = "in_doubt"  # it may have been done, or be done later


class CallFailed(Exception):
    """A call without a result. `kind` is a short word for logs, never a value.

    `text` are the vendor's own words, which may quote values; `code` is its own code.
    """

    def __init__(
        self,
        certainty: Certainty,
        kind: str,
        *,
        status: int | None = None,
        code: str | None = None,
        text: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{kind}{f' {status}' if status else ''}{f' {code}' if code else ''}")
        self.certainty, self.kind, self.status = certainty, kind, status
        self.code, self.text, self.retry_after = code, text, retry_after


class PackageMissing(Exception):
    """A vendor's client is not installed; the sentence says how to get it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs a package that is not installed: pip install 'ikusei[{extra}]'")


def failure_of_status(
    status: int, *, retry_after: str | None = None, code: str | None = None, text: str | None = None
) -> CallFailed:
    """What a status other than success means; `retry_after` is the header as it came."""
    wait = retry_after_seconds(retry_after, datetime.now(UTC))
    said = {"status": status, "code": code, "text": text, "retry_after": wait}
    if status in (425, 429):
        return CallFailed(Certainty.BUSY, "rate_limited", **said)
    if status in (401, 403, 407):
        return CallFailed(Certainty.NOT_ALLOWED, "not_authorised", **said)
    if status in (404, 405, 410) or 300 <= status < 400:
        return CallFailed(Certainty.NOT_ALLOWED, "refused", **said)
    if status == 408 or status >= 500 or status < 200:
        return CallFailed(Certainty.IN_DOUBT, "server_error", **said)
    return CallFailed(Certainty.REFUSED, "rejected", **said)


def failure_of_urllib3(error: BaseException) -> CallFailed:
    """What an error of urllib3, or of requests around it, means: did the request leave or not?"""
    seen: set[int] = set()
    inner: BaseException | None = error
    while inner is not None and id(inner) not in seen:
        seen.add(id(inner))
        name = type(inner).__name__
        if name in ("NewConnectionError", "ConnectTimeoutError", "ConnectTimeout", "NameResolutionError"):
            return CallFailed(Certainty.NOT_REACHED, "no_connection")
        if name in ("ReadTimeoutError", "ReadTimeout", "TimeoutError", "timeout"):
            return CallFailed(Certainty.IN_DOUBT, "time_out")
        reasons = [getattr(inner, "reason", None), *getattr(inner, "args", ()), inner.__cause__]
        inner = next((reason for reason in reasons if isinstance(reason, BaseException)), None)
    return CallFailed(Certainty.IN_DOUBT, "broken_connection")
