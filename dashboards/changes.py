"""What a number did since the month before, as people say it."""

from __future__ import annotations

import re
from typing import Any

from dashboards.words import Words, form_of


def change(words: Words, column: str, now: Any, before: Any) -> dict[str, str] | None:
    """The change since the row before: points for rates, months for means, per cent for counts and
    money; from nothing there is no per cent, so the difference itself."""
    if now is None or before is None:
        return None
    text = _difference(words, column, float(now), float(before))
    # What is shown as zero is no rise, whatever the digits behind it.
    sign = "flat" if not re.search("[1-9]", text) else "up" if now > before else "down"
    return {"sign": sign, "text": text.replace("-", "−"), "before": words.value(column, before)}


def _difference(words: Words, column: str, now: float, before: float) -> str:
    if form_of(column) == "percent":
        return words.text("interface.rate_points", points=f"{(now - before) * 100:+.2f}")
    if form_of(column) == "decimal":
        return f"{now - before:+,.2f}"
    if not before:
        return f"{'+' if now > before else ''}{words.value(column, round(now - before))}"
    return f"{(now - before) / before * 100:+,.1f}%"
