"""One figure of a bench: a name, a value, and where there is one the target that it is held against."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """What was measured; a ratio is ours over the other's, so that 1 is the other's speed and more is faster.

    At most one of `at_least` and `at_most` is given; with neither the figure is only told. `why` says in a
    few words what is compared or how it was measured.
    """

    name: str
    value: float
    unit: str = "ratio"  # or 's', 'MiB', 'rows', 'rows/s', 'share'
    at_least: float | None = None
    at_most: float | None = None
    why: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; None without a target."""
        if self.at_least is not None:
            return self.value >= self.at_least
        return None if self.at_most is None else self.value <= self.at_most

    @property
    def target(self) -> str:
        """The target as it is shown; '' without one."""
        if self.at_least is not None:
            return f">= {self.at_least:g}"
        return "" if self.at_most is None else f"<= {self.at_most:g}"
