"""How fast one destination may be asked: back-off, token bucket, daily quota, patience and the breaker.

All numbers come from the options of the sync file: `requests_per_second`, `requests_per_day` (UTC days,
counted in the ledger, so that a crash forgets none), `patience_seconds` (the longest a run may wait in all),
`attempts_per_run` (of one row) and `breaker` (failures in a row until the destination is left alone).
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FLOOR_SECONDS = 1.0  # the shortest wait, also when Retry-After says 0
LONGEST_WAIT_SECONDS = 60.0  # of our own back-off; a Retry-After may ask for more
DAY_SECONDS = 86400.0
PACING_OPTIONS = frozenset(
    {"breaker", "attempts_per_run", "patience_seconds", "requests_per_second", "requests_per_day"}
)


@dataclass
class Pacing:
    """The pace of one run of one sync."""

    rng: random.Random
    breaker: float = 5
    attempts_per_run: float = 4
    patience_seconds: float = 120
    requests_per_second: float | None = None
    requests_per_day: float | None = None
    sent_today: int = 0
    failures_in_a_row: int = 0
    slept: float = 0.0
    _free_at: float = field(default=0.0)

    @classmethod
    def of(cls, options: Mapping[str, Any], rng: random.Random, sent_today: int) -> Pacing:
        """Reads the options of a sync file."""
        said = {name: float(options[name]) for name in PACING_OPTIONS if options.get(name) is not None}
        return cls(rng=rng, sent_today=sent_today, **said)

    def back_off(self, tries: int, retry_after: float | None) -> float:
        """Doubling waits with jitter, never under what the other side asked for nor under our own floor."""
        own = min(LONGEST_WAIT_SECONDS, FLOOR_SECONDS * 2 ** (tries - 1)) * self.rng.uniform(1.0, 1.5)
        return max(own, retry_after or 0.0)

    def free_at(self) -> float:
        """When the bucket has a token again (seconds since 1970)."""
        return self._free_at

    def spend(self, requests: int, now: float) -> None:
        """Takes tokens for requests that were made; the bucket may owe, which the next one waits for."""
        self.sent_today += 1
        if self.requests_per_second:
            self._free_at = max(self._free_at, now) + requests / self.requests_per_second

    @property
    def quota_is_used_up(self) -> bool:
        """Were as many calls made today as the other side allows?"""
        return self.requests_per_day is not None and self.sent_today >= self.requests_per_day

    def may_wait(self, seconds: float) -> bool:
        """Would this wait leave the run within its patience? Counts it when it does."""
        if self.slept + seconds > self.patience_seconds:
            return False
        self.slept += seconds
        return True

    def count(self, has_failed: bool) -> bool:
        """Notes a call; True when the destination has failed so often that it must be left alone."""
        self.failures_in_a_row = self.failures_in_a_row + 1 if has_failed else 0
        return self.failures_in_a_row >= self.breaker


def day_began_at(now: float) -> float:
    """The start of the UTC day (seconds since 1970)."""
    return now - now % DAY_SECONDS
