"""Days between, as our macro subtracts them, are those that the engine counts through timestamps."""

from __future__ import annotations

from datetime import date, datetime

import duckdb
import jinja2
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.home import PROJECT

DAYS_BETWEEN = """
select {{ duckdb__datediff("earlier", "later", "day") }} as ours,
    date_diff('day', cast(earlier as timestamp), cast(later as timestamp)) as theirs
from (values (?, ?)) as moments (earlier, later)
"""
moments = st.one_of(st.none(), st.dates(), st.datetimes())


@given(st.lists(st.tuples(moments, moments), min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
def test_dates_subtracted_are_the_midnights_between(pairs: list[tuple[date | datetime | None, ...]]) -> None:
    macros = (PROJECT / "macros/engine.sql").read_text(encoding="utf-8")
    query = jinja2.Template(macros + DAYS_BETWEEN).render()
    with duckdb.connect() as connection:
        for pair in pairs:
            ours, theirs = connection.execute(query, list(pair)).fetchone()
            assert ours == theirs, pair
