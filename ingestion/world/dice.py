"""Seeded chance: a name such as (7, "person", "p00012", "visits") in, the same numbers out, on any machine.

Every subject and every trouble rolls its own dice. Switching one trouble off therefore leaves all the
other draws as they were, and two worlds differ only in what the trouble touched.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from hashlib import sha256
from itertools import accumulate
from typing import Generic, TypeVar

from numpy.random import PCG64, Generator

Item = TypeVar("Item")

_POOL = 48  # numbers drawn at once: one numpy call costs about as much as forty Python draws


class Dice:
    """A stream of random numbers that depends on its name only (never on Python's `hash`)."""

    def __init__(self, seed: int, *name: object) -> None:
        digest = sha256("/".join(map(str, (seed, *name))).encode()).digest()
        self._generator = Generator(PCG64(int.from_bytes(digest[:16], "little")))
        self._pool: list[float] = []

    def random(self) -> float:
        """A number from 0 (included) to 1 (excluded)."""
        if not self._pool:
            self._pool = self._generator.random(_POOL).tolist()
        return self._pool.pop()

    def chance(self, rate: float) -> bool:
        """True in `rate` (0 to 1) of the cases; a rate of 0 is never true."""
        return self.random() < rate

    def below(self, limit: int) -> int:
        """A whole number from 0 to `limit` - 1."""
        return int(self.random() * limit)

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.random() * (high - low + 1))

    def pick(self, items: Sequence[Item]) -> Item:
        """One of `items`, each as likely."""
        return items[int(self.random() * len(items))]

    def exponential(self, mean: float) -> float:
        """A waiting time with this mean."""
        return -mean * math.log(1.0 - self.random())

    def normal(self) -> float:
        """Nearly normal, mean 0 and deviation 1: twelve uniforms less six, so no libm is asked."""
        return sum(self.random() for _ in range(12)) - 6.0

    def pause(self) -> int:
        """Seconds a reader stays on a page: half a minute mostly, at times a quarter of an hour."""
        return max(3, min(900, int(6 + self.exponential(18) + self.exponential(1.0) ** 3 * 8)))

    def count(self, mean: float) -> int:
        """How often something with this mean happens (Poisson, by Knuth's product)."""
        limit, product, times = math.exp(-mean), self.random(), 0
        while product > limit:
            product *= self.random()
            times += 1
        return times

    def token(self, length: int = 16) -> str:
        """An opaque name of `length` hexadecimal digits (at most 26)."""
        high, low = int(self.random() * 2**52), int(self.random() * 2**52)
        return f"{high:013x}{low:013x}"[:length]


class Wheel(Generic[Item]):
    """Choices with weights, prepared once and turned often."""

    def __init__(self, weights: dict[Item, float]) -> None:
        self._items = list(weights)
        self._ends = list(accumulate(weights.values()))

    def turn(self, dice: Dice) -> Item:
        """One of the items, as likely as its share of the weights."""
        place = bisect_right(self._ends, dice.random() * self._ends[-1])
        return self._items[min(place, len(self._items) - 1)]
