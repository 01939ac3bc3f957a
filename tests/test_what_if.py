"""What-if shows what changed rules would do, and does nothing to the home it looks at."""

import csv
import hashlib
from pathlib import Path

import duckdb
import pytest
from orchestrated import first_run

from orchestration.home import PROJECT, Home
from orchestration.trouble import Trouble
from orchestration.what_if import JUDGED, Judgement, as_lines, what_if

IN_FORCE = PROJECT / "models" / "4_scoring" / "scoring_rules.csv"


@pytest.fixture(scope="module")
def home() -> Home:
    return first_run()[0]


def changed(folder: Path, **columns: str) -> Path:
    """A folder with scoring rules whose named columns are set in every behaviour rule of the default set."""
    with IN_FORCE.open(encoding="utf-8", newline="") as file:
        rules = list(csv.DictReader(file))
    for rule in rules:
        if rule["score_kind"] == "behaviour" and rule["rule_set"] == "default":
            rule.update(columns)
    with (folder / IN_FORCE.name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rules[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rules)
    return folder


def quiet(line: str) -> None:
    pass


def test_another_reason_for_the_same_points_moves_nobody(home: Home, tmp_path: Path) -> None:
    report = what_if(
        home, changed(tmp_path, why="the same points for another reason"), horizon_days=20, say=quiet
    )
    assert report.changed == ("scoring_rules.csv",)
    assert (report.bands, report.people, report.routes) == ((), (), ())
    assert report.before == report.after
    assert "0 people would cross a threshold" in as_lines(report)[1]


def test_more_points_lift_people_and_leave_the_home_alone(home: Home, tmp_path: Path) -> None:
    before = hashlib.sha256(home.warehouse.read_bytes()).hexdigest()
    report = what_if(home, changed(tmp_path, points="40", cap_points="400"), horizon_days=20, say=quiet)
    assert report.bands and all(person["score_after"] > person["score_before"] for person in report.people)
    assert sum(row["people"] for row in report.bands) >= len(report.people)
    assert hashlib.sha256(home.warehouse.read_bytes()).hexdigest() == before
    assert not list(home.root.glob(".what-if-*")), "the builds were left behind"
    assert any("件数不足" in line for line in as_lines(report)), "20 days of 30 people cannot judge a rule"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "scoring_rules.csv",
            "rule_id,points\n",
            "line 1: the columns are rule_id,points; they must be rule_set,",
        ),
        ("my_rules.csv", "a,b\n", "my_rules.csv is no rule file: the rule files are areas.csv,"),
        ("scoring_rules.csv", IN_FORCE.read_text(encoding="utf-8"), "differs from the rules in force"),
    ],
)
def test_a_folder_that_changes_nothing_is_a_sentence(
    home: Home, tmp_path: Path, name: str, content: str, said: str
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(Trouble, match=said):
        what_if(home, tmp_path, say=quiet)


def test_the_judgement_counts_pairs_in_the_right_order() -> None:
    """Five people, two with a later opportunity, one tie."""
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as past")
        for schema in ("scoring", "identity", "behaviour"):
            connection.execute(f"create schema past.{schema}")
        connection.execute(
            "create table past.scoring.fct_lead_scores as select * from (values "
            "('a', 50, 'hot'), ('b', 20, 'warm'), ('c', 20, 'warm'), ('d', 10, 'cool'), "
            "('e', 30, 'warm'), ('gone', 90, 'hot'), ('staff', 99, 'hot')) "
            "as scores (person_id, total_score, score_band)"
        )
        connection.execute(
            "create table past.identity.dim_people as select person_id, person_id = 'staff' as is_internal "
            "from past.scoring.fct_lead_scores"
        )
        connection.execute(
            "create table past.behaviour.fct_touches as select 'gone' as person_id, "
            "'opportunity_created' as touch_type"
        )
        connection.execute(
            "create temp table outcomes as "
            "select * from (values ('a', true), ('b', false)) as known (person_id, has_ordered)"
        )
        row = connection.execute(JUDGED.format(database="past")).fetchone()
    # a beats c, d, e; b ties with c, beats d, loses to e: 3 + 0.5 + 1 + 0 = 4.5 of 6
    assert Judgement(*row) == Judgement(5, 2, 0.75, 0.0, 1, 1, 1, 1)
