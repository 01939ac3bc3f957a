"""What-if shows what changed rules would do, and does nothing to the home it looks at."""

import csv
import hashlib
import json
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from orchestrated import first_run
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.home import PROJECT, Home
from orchestration.trouble import Trouble
from orchestration.what_if import Judgement, judge, what_if
from orchestration.what_if_report import as_lines, as_markdown

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
    assert all(row["before"] == row["after"] for row in report.figures)
    assert "0 people would cross a threshold" in as_lines(report)[1]


def test_more_points_lift_people_and_leave_the_home_alone(home: Home, tmp_path: Path) -> None:
    before = hashlib.sha256(home.warehouse.read_bytes()).hexdigest()
    report = what_if(home, changed(tmp_path, points="40", cap_points="400"), horizon_days=20, say=quiet)
    assert report.bands and all(person["score_after"] > person["score_before"] for person in report.people)
    assert sum(row["people"] for row in report.bands) >= len(report.people)
    assert hashlib.sha256(home.warehouse.read_bytes()).hexdigest() == before
    assert not list(home.root.glob(".what-if-*")), "the builds were left behind"
    assert report.verdict == "too_few", "20 days of 30 people cannot judge a rule"
    assert any("件数不足" in line for line in as_lines(report))
    told = as_markdown(report)
    assert "件数不足" in told and "### By segment" in told
    assert not any(person["display_name"] in told for person in report.people), "names are for the terminal"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "scoring_rules.csv",
            "rule_id,points\n",
            "line 1: the columns are rule_id,points; they must be rule_set,",
        ),
        ("my_rules.csv", "a,b\n", "my_rules.csv is no rule file: the rule files are approach_rules.csv,"),
        ("scoring_rules.csv", IN_FORCE.read_text(encoding="utf-8"), "differs from the rules in force"),
    ],
)
def test_a_folder_that_changes_nothing_is_a_sentence(
    home: Home, tmp_path: Path, name: str, content: str, said: str
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(Trouble, match=said):
        what_if(home, tmp_path, say=quiet)


def without(rules: str, gone: str, folder: Path) -> None:
    """A rule file in the folder in which the rules that begin so are missing."""
    (in_force,) = (PROJECT / "models").rglob(rules)
    lines = in_force.read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / rules).write_text(
        "".join(line for line in lines if not line.startswith(gone)), encoding="utf-8"
    )


def test_machine_and_identity_rules_are_tried_by_the_same_command(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the rules on names of browsers machines count as visitors; without the rule on forms
    fewer browsers are known. Points are not judged worse for it, so the command ends well."""
    before = hashlib.sha256(home.warehouse.read_bytes()).hexdigest()
    without("machine_rules.csv", "ua_", tmp_path)
    without("identity_rules.csv", "form_cookie", tmp_path)
    monkeypatch.setenv("IKUSEI_HOME", str(home.root))
    told = CliRunner().invoke(app, ["what-if", "--rules", str(tmp_path), "--days", "20", "--json"])
    assert told.exit_code == 0, told.output
    report = json.loads(told.stdout)
    assert report["changed"] == ["identity_rules.csv", "machine_rules.csv"]
    figures = {row["figure"]: (row["before"], row["after"]) for row in report["figures"]}
    assert figures["deeds_of_machines"][0] > figures["deeds_of_machines"][1]
    assert figures["deeds_of_known_people"][0] > figures["deeds_of_known_people"][1]
    kpis = {row["kpi"]: (row["before"], row["after"]) for row in report["kpis"]}
    assert kpis["visitors"][0] < kpis["visitors"][1]
    assert kpis["action_rate_literal"][0] > kpis["action_rate_literal"][1]
    assert kpis["orders"][0] == kpis["orders"][1]
    assert hashlib.sha256(home.warehouse.read_bytes()).hexdigest() == before


def past(connection: duckdb.DuckDBPyConnection, scores: list[tuple[str, int]], deals: list[str]) -> None:
    """A warehouse `past` of one month with these behaviour scores, and these people's deals a week later."""
    connection.execute("attach ':memory:' as past")
    for schema in ("scoring", "identity", "behaviour"):
        connection.execute(f"create schema past.{schema}")
    connection.execute("create table past.scoring.fct_lead_scores as select date '2026-10-31' as as_of")
    connection.execute(
        "create table past.scoring.int_score_days as "
        "select date '2026-10-01' as scored_on, 'month' as day_use"
    )
    connection.execute(
        "create table past.scoring.fct_score_history "
        "(person_id text, scored_on date, total_score decimal(18, 6))"
    )
    connection.executemany(
        "insert into past.scoring.fct_score_history values (?, date '2026-10-01', ?)",
        [list(s) for s in scores],
    )
    connection.execute(
        "create table past.identity.dim_people as "
        "select person_id, person_id = 'staff' as is_internal from past.scoring.fct_score_history"
    )
    connection.execute(
        "create table past.behaviour.fct_touches "
        "(person_id text, touch_type text, occurred_at timestamp, is_machine boolean)"
    )
    touch = "insert into past.behaviour.fct_touches values (?, 'opportunity_created', ?, false)"
    for person in deals:
        connection.execute(touch, [person, datetime(2026, 10, 8)])
    connection.execute(touch, ["gone", datetime(2026, 9, 1)])


def test_the_judgement_counts_pairs_in_the_right_order() -> None:
    """Five people, two with a later opportunity, one tie; staff and who had a deal before do not count."""
    scores = [("a", 50), ("b", 20), ("c", 20), ("d", 10), ("e", 30), ("gone", 90), ("staff", 99)]
    with duckdb.connect() as connection:
        past(connection, scores, ["a", "b"])
        judged = judge(connection, "past", "Asia/Tokyo", 30)
    # a beats c, d, e; b ties with c, beats d, loses to e: 3 + 0.5 + 1 + 0 = 4.5 of 6
    assert judged == Judgement(1, 5, 2, 0.75, 0.0, 0, 0)


def test_the_articles_example_can_be_tried_as_it_stands(home: Home) -> None:
    report = what_if(home, PROJECT / "rule_sets" / "article_example", horizon_days=20, say=quiet)
    assert {row["band_after"] for row in report.bands} <= {"cold", "cool"}, "it gives few points to few"
