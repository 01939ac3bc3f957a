"""Clocks: from what a person typed to the three clocks of a build (design decision 5)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from orchestration.home import ALL_KNOWN
from orchestration.trouble import Trouble


def as_of_day(text: str | None, zone: str, *, now: datetime | None = None) -> str:
    """The day 'YYYY-MM-DD' whose end the marts stand for; today in the zone when `text` is None.

    Raises:
        Trouble: no such day.
    """
    if text is None:
        return (now or datetime.now(UTC)).astimezone(ZoneInfo(zone)).date().isoformat()
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise Trouble(f"{text} is no day: write year, month and day as 2026-05-31") from error


def known_at_instant(text: str | None, zone: str) -> str:
    """The instant 'YYYY-MM-DD HH:MM:SS.ffffff' in UTC after which loaded rows do not count.

    A bare day means its end in the zone; a time without an offset is UTC; None means everything loaded.

    Raises:
        Trouble: no such time.
    """
    if text is None:
        return ALL_KNOWN
    try:
        instant = _end_of(date.fromisoformat(text), zone) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError as error:
        raise Trouble(f"{text} is no time: write 2026-05-31 or 2026-05-31T18:00:00+09:00") from error
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def new_run_id(now: datetime | None = None) -> str:
    """An id that sorts by time, such as 20260531T210000123 (UTC, to the millisecond)."""
    now = now or datetime.now(UTC)
    return f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}"


def _end_of(day: date, zone: str) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone)) - timedelta(microseconds=1)
