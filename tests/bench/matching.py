"""Matching: what it costs to compare 100,000 people of the exact rules, and then a day's 500 new ones.

    profiles drawn from few names and many companies  ->  Splink with the product's own model  ->  pairs

Family and given names are drawn as unevenly as real ones are, so that many share a name; a company has three
people on average. Seconds of the processor stand beside the wall's, since other work moves the wall clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import duckdb
import pyarrow as pa
from figure import Figure

from orchestration.matching.model import MatchingModel
from orchestration.matching.scores import model_file, score

SIZES = {"full": (100_000, 500), "quick": (10_000, 100)}
PROFILES = """
with
    drawn as (
        select
            n,
            -- The most frequent of 2,000 family and 1,000 given names take about 2 in 100 each.
            cast(2000 * power(hash(n * 7 + 1) % 100000 / 1e5, 3) as int) as family,
            cast(1000 * power(hash(n * 7 + 2) % 100000 / 1e5, 3) as int) as given,
            hash(n * 7 + 3) % ($people // 3) as company,
            hash(n * 7 + 4) % 100 as dice
        from range($people) as numbers (n)
    ),
    named as (
        select
            *,
            chr(20000 + family) || chr(22100 + family) || chr(24200 + given) || chr(25300 + given) as name,
            'f' || family || 'g' || given as sound
        from drawn
    )
select
    'p' || n as exact_person, md5('p' || n) as profile_key,
    case when dice >= 3 then name end as person_name,
    case when dice between 3 and 70 then sound end as reading,
    cast(null as varchar) as reading_turned,
    case when dice < 60 then sound || '@c' || company end as email,
    case when dice < 60 then 'c' || company end as email_domain,
    case when dice < 60 then sound end as mail_name,
    cast(null as varchar) as mail_name_turned, cast(null as varchar) as mail_initial,
    cast(null as varchar) as mail_word,
    'c' || company as organisation, 'c' || company as company_key,
    case
        when dice % 3 = 0 then '+8190' || lpad(cast(hash(n * 7 + 5) % 100000000 as varchar), 8, '0')
    end as mobile,
    '+813' || lpad(cast(company as varchar), 8, '0') as landline,
    'd' || dice % 12 as department, cast(company % 900 as varchar) as postal_code,
    'e' || company % 47 as prefecture, count(*) over (partition by name) as name_bearers
from named
order by n
"""


def measure(size: str) -> list[Figure]:
    """Seconds to compare all people, and those of a day beside them."""
    people, new = SIZES[size]
    with duckdb.connect() as connection:
        profiles = connection.execute(PROFILES, {"people": people}).to_arrow_table()
    keys = profiles.column("profile_key").to_pylist()
    model = MatchingModel.read(model_file())
    score(profiles.slice(0, 100), set(), model)  # interpreters and imports are not what is measured
    _, whole, whole_cpu = _timed(lambda: score(profiles, set(), model))
    found, day, day_cpu = _timed(lambda: score(profiles, set(keys[:-new]), model))
    return [
        Figure("people_compared", people, "rows"),
        Figure("all_seconds", whole, "s", why="every pair that the blocking rules bring together"),
        Figure("all_cpu_seconds", whole_cpu, "s"),
        Figure("day_seconds", day, "s", why=f"{new:,} new people against all"),
        Figure("day_cpu_seconds", day_cpu, "s"),
        Figure(
            "day_rows", found.num_rows, "rows", why="a row for each new profile, and its pairs worth a look"
        ),
    ]


def _timed(work: Callable[[], pa.Table]) -> tuple[pa.Table, float, float]:
    wall, processor = time.perf_counter(), time.process_time()
    found = work()
    return found, time.perf_counter() - wall, time.process_time() - processor


if __name__ == "__main__":
    for figure in measure("full"):
        print(f"{figure.name:<20} {figure.value:>14,.2f} {figure.unit}  {figure.why}")
