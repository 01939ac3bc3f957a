"""Days and hours of the world: when offices work, when shops are full, how dates are written.

All moments are whole seconds since 1970 (UTC); the world lives at +09:00 and never changes its clocks.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

from .dice import Dice, Wheel

ZONE = timezone(timedelta(hours=9))
DAY = 86_400
_OFFSET = 9 * 3600
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_OFFICE_HOURS = Wheel(
    dict(
        enumerate((1, 0.5, 0.3, 0.2, 0.2, 0.4, 1, 3, 9, 16, 18, 17, 9, 15, 17, 17, 16, 13, 8, 5, 4, 3, 3, 2))
    )
)
_HOME_HOURS = Wheel(
    dict(enumerate((5, 3, 1.5, 0.8, 0.5, 0.8, 2, 5, 6, 4, 4, 4, 7, 4, 4, 4, 4, 5, 7, 9, 11, 13, 13, 9)))
)
_SALES_HOURS = Wheel({9: 3, 10: 6, 11: 5, 13: 5, 14: 6, 15: 6, 16: 6, 17: 4, 18: 1})

# Holidays by law that keep their date, and those on the n-th Monday; offices also close at new year and in
# the middle of August.
_HOLIDAYS = {(1, 1), (2, 11), (2, 23), (4, 29), (5, 3), (5, 4), (5, 5), (8, 11), (11, 3), (11, 23)}
_HAPPY_MONDAYS = {(1, 2), (7, 3), (9, 3), (10, 2)}  # month, which Monday
_COMPANY_BREAKS = {(1, 2), (1, 3), (8, 13), (8, 14), (8, 15), (12, 29), (12, 30), (12, 31)}
# Japanese business years start in April: budgets are spent in February and March, August is slow.
_SEASON = (0.95, 1.12, 1.15, 0.95, 0.9, 1.08, 1.05, 0.82, 1.05, 1.08, 1.05, 0.85)


def _equinoxes(year: int) -> set[tuple[int, int]]:
    """Both equinoxes by the usual approximation (the National Astronomical Observatory's, 1980 to 2099)."""
    drift = 0.242194 * (year - 1980) - (year - 1980) // 4
    return {(3, int(20.8431 + drift)), (9, int(23.2488 + drift))}


def _is_named_holiday(day: date) -> bool:
    here = (day.month, day.day)
    monday = day.weekday() == 0 and (day.month, (day.day + 6) // 7) in _HAPPY_MONDAYS
    return monday or here in _HOLIDAYS or here in _equinoxes(day.year)


@lru_cache(maxsize=8192)
def is_holiday(day: date) -> bool:
    """A national holiday of Japan by the law as it is since 2022, with substitutes and sandwiched days."""
    if _is_named_holiday(day):
        return True
    before = day - timedelta(days=1)
    if day.weekday() < 6 and _is_named_holiday(before) and _is_named_holiday(day + timedelta(days=1)):
        return True
    while _is_named_holiday(before):  # a holiday on Sunday moves to the first day after that is none
        if before.weekday() == 6:
            return True
        before -= timedelta(days=1)
    return False


def is_closed(day: date) -> bool:
    """Whether offices are closed: weekends, holidays, the new year and the August break."""
    return day.weekday() >= 5 or (day.month, day.day) in _COMPANY_BREAKS or is_holiday(day)


def next_workday(day: date) -> date:
    """The day itself, or the first open day after it."""
    while is_closed(day):
        day += timedelta(days=1)
    return day


def nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    """The `nth` `weekday` (Monday is 0) of a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def midnight(day: date) -> int:
    """The moment a day begins at +09:00."""
    return (day - date(1970, 1, 1)).days * DAY - _OFFSET


def local_day(moment: int) -> date:
    """The day at +09:00 in which a moment lies."""
    return _day_of((moment + _OFFSET) // DAY)


@lru_cache(maxsize=4096)
def _day_of(number: int) -> date:
    return date(1970, 1, 1) + timedelta(days=number)


@lru_cache(maxsize=4096)
def _clf_day(number: int) -> str:
    day = _day_of(number)
    return f"{day.day:02d}/{_MONTHS[day.month - 1]}/{day.year}"


def log_time(moment: int) -> str:
    """As in the Apache combined format: `07/May/2026:10:03:22 +0900`."""
    number, second = divmod(moment + _OFFSET, DAY)
    return f"{_clf_day(number)}:{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d} +0900"


def iso_time(moment: int) -> str:
    """ISO 8601 with the offset: `2026-05-07T10:03:22+09:00`."""
    return datetime.fromtimestamp(moment, ZONE).isoformat()


def utc(moment: int) -> datetime:
    """A naive UTC datetime, as the truth files keep it."""
    return datetime.fromtimestamp(moment, UTC).replace(tzinfo=None)


def month_name(day: date) -> str:
    """`2026-05`."""
    return f"{day.year}-{day.month:02d}"


def office_moment(day: date, dice: Dice) -> int:
    """Some moment of the day, mostly in business hours."""
    return _moment(day, _OFFICE_HOURS, dice)


def home_moment(day: date, dice: Dice) -> int:
    """Some moment of the day, mostly at lunch and in the evening."""
    return _moment(day, _HOME_HOURS, dice)


def sales_moment(day: date, dice: Dice) -> int:
    """Some moment at which sales people call and visit."""
    return _moment(day, _SALES_HOURS, dice)


def _moment(day: date, hours: Wheel[int], dice: Dice) -> int:
    return midnight(day) + hours.turn(dice) * 3600 + dice.below(3600)


class Calendar:
    """The days of one world, and how busy each is.

    Args:
        until: the last day. days: how many days, `until` included (1 or more).
    """

    def __init__(self, until: date, days: int) -> None:
        if days < 1:
            raise ValueError(f"A world needs at least 1 day, not {days}: set --days to 1 or more.")
        self.days = [until - timedelta(days=days - 1 - number) for number in range(days)]
        self.first, self.last = self.days[0], until
        self.starts_at, self.ends_at = midnight(self.first), midnight(until) + DAY

    def holds(self, moment: int) -> bool:
        """Whether a moment lies within the world."""
        return self.starts_at <= moment < self.ends_at

    def age(self, day: date) -> float:
        """0 on the first day, 1 on the last."""
        return (day - self.first).days / max(1, len(self.days) - 1)

    def months(self) -> Iterator[tuple[int, int]]:
        """Each (year, month) that the world touches, in order."""
        yield from dict.fromkeys((day.year, day.month) for day in self.days)

    def weights(self, growth: float, closed: float) -> list[float]:
        """How busy each day is: `growth` times as busy at the end, `closed` on weekends and holidays."""
        return [
            (1 + (growth - 1) * self.age(day)) * _SEASON[day.month - 1] * (closed if is_closed(day) else 1.0)
            for day in self.days
        ]

    def spread(self, total: int, weights: list[float]) -> list[int]:
        """`total` things over the days by weight; whole numbers that sum to `total` exactly."""
        whole, ends, so_far = sum(weights), [], 0.0
        for weight in weights:
            so_far += weight
            ends.append(round(total * so_far / whole))
        return [end - before for end, before in zip(ends, [0, *ends], strict=False)]

    def draw(self, weights_so_far: list[float], dice: Dice) -> date:
        """A day, as likely as its share of the (accumulated) weights."""
        return self.days[bisect_right(weights_so_far, dice.random() * weights_so_far[-1] * 0.999999)]
