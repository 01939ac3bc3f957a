"""The facts of behaviour and their points grow by day, and end in what one build makes.

A small invented company is built at once; then its files come shuffled over two runs while the as-of day
moves on, the last step without any new file. Sessions, page views and touches, the points that they are given
and the scores that those come to must be the same, row by row.
"""

import os
import random
import shutil
from pathlib import Path

import duckdb
import pytest
from orchestrated import AS_OF, invented

from orchestration import ingest, transform
from orchestration.home import ALL_KNOWN, DEFAULT_ZONE, Home

FACTS = [
    "behaviour.fct_touches",
    "behaviour.fct_sessions",
    "behaviour.int_page_views",
    "behaviour.int_session_entries",
    "behaviour.int_machine_visitors",
    "scoring.int_touch_points",
    "scoring.int_points_by_day",
    "scoring.int_points_earned",
    "scoring.int_scores_then",
    "scoring.fct_score_points",
    "scoring.fct_lead_scores",
    "scoring.fct_score_peaks",
    "scoring.fct_company_scores",
    "scoring.fct_score_history",
    "scoring.int_topic_deeds",
    "scoring.fct_nurture_degree",
    "scoring.fct_nurture_history",
]
ABOUT_RUNS = "built_by|built_to|loaded_at"
STEPS = ["2026-10-12", "2026-10-29", AS_OF]


def built(home: Home, target: Path, as_of: str, *, full: bool) -> None:
    transform.build(
        home.warehouse,
        target,
        as_of=as_of,
        known_at=ALL_KNOWN,
        zone=DEFAULT_ZONE,
        full_refresh=full,
        select=[
            "+fct_touches",
            "+fct_score_peaks",
            "+fct_company_scores",
            "+fct_score_history",
            "+fct_nurture_history",
            *(["resource_type:seed"] if full else []),
        ],
        with_tests=False,
    )


def facts(home: Home) -> dict[str, tuple[int, int]]:
    """Relation -> rows and a sum of row hashes, without what is about the runs."""
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        return {
            name: connection.execute(
                f"select count(*), sum(cast(hash(fact) as hugeint)) from (select columns(c -> not"
                f" regexp_matches(c, '^({ABOUT_RUNS})$')) from {name}) as fact"
            ).fetchone()
            for name in FACTS
        }


LONG = pytest.mark.skipif(not os.environ.get("IKUSEI_LONG_TESTS"), reason="long: make test-long")


@LONG
@pytest.mark.parametrize("seed", [3])
def test_files_and_days_one_after_the_other_end_in_what_one_build_makes(tmp_path: Path, seed: int) -> None:
    whole = Home(tmp_path / "whole").prepare()
    ingest.ingest(whole, landing=invented(), zone=DEFAULT_ZONE)
    built(whole, tmp_path / "target", AS_OF, full=True)

    files = sorted(path for path in invented().rglob("*") if path.is_file())
    random.Random(seed).shuffle(files)
    half = len(files) // 2 + 1
    grown = Home(tmp_path / "grown").prepare()
    for number, as_of in enumerate(STEPS):
        for file in files[number * half : (number + 1) * half]:
            copy = tmp_path / "landing" / file.relative_to(invented())
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
        ingest.ingest(grown, landing=tmp_path / "landing", zone=DEFAULT_ZONE)
        built(grown, tmp_path / "target", as_of, full=number == 0)

    expected, found = facts(whole), facts(grown)
    assert expected["behaviour.fct_touches"][0] > 1_000
    assert expected["scoring.int_touch_points"][0] > 100
    assert {name for name in FACTS if expected[name] != found[name]} == set()
