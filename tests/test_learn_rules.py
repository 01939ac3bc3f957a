"""Learned weights (SC09): from a past whose cause is known to candidate rule files that what-if takes."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest

from orchestration.home import Home
from orchestration.learn import RULES, WEIGHTS, fit_nonnegative, learn
from orchestration.trouble import Trouble
from orchestration.what_if import changed_rules

CUT, LAST = date(2026, 4, 1), date(2026, 10, 31)


def past(home: Home, buyers: int) -> None:
    """400 people scored on one day: who had asked a price bought in half of the cases, who left never did.

    Half of either have read a case study, which meant nothing.
    """
    home.warehouse.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute(
            "create schema scoring; create schema behaviour; create schema identity;"
            f"create table scoring.scoring_rules as select rule_id, points from read_csv('{RULES}')"
            " where rule_set = 'default' and score_kind = 'behaviour';"
            "create table identity.dim_people as select 'p' || n as person_id, false as is_internal"
            " from range(400) as numbers (n);"
            "create table scoring.int_score_days (scored_on date, day_use text);"
            "create table scoring.int_points_worth (person_id text, scored_on date, rule_id text,"
            " points double);"
            "create table scoring.int_timing_features (person_id text, scored_on date, feature text,"
            " feature_value double)"
        )
        con.executemany("insert into scoring.int_score_days values (?, ?)", [(CUT, "month"), (LAST, "as_of")])
        con.execute(
            "create table scoring.fct_score_history as select person_id, ? as scored_on"
            " from identity.dim_people",
            [CUT],
        )
        deeds = {
            "quote_request": "n < 80",
            "case_study_view": "n % 4 < 2",
            "email_unsubscribed": "n >= 350",
            "recruit_view": "n < 80",
        }
        for rule, who in deeds.items():
            con.execute(
                "insert into scoring.int_points_worth select 'p' || n, ?, rules.rule_id, rules.points"
                " from range(400) as numbers (n) inner join scoring.scoring_rules as rules"
                f" on rules.rule_id = ? and {who}",
                [CUT, rule],
            )
        con.execute(
            "insert into scoring.int_timing_features select 'p' || n, ?, 'behaviour_score',"
            " case when n < 80 then 30.0 else 1.0 end from range(400) as numbers (n)",
            [CUT],
        )
        con.execute(
            "create table behaviour.fct_touches as select 'p' || (2 * n) as person_id,"
            " 'opportunity_created' as touch_type, cast(? as timestamp) as occurred_at"
            " from range(?) as numbers (n)",
            [CUT + timedelta(days=20), buyers],
        )


def points_in(file: Path) -> dict[str, str]:
    with file.open(encoding="utf-8", newline="") as opened:
        return {
            line["rule_id"]: line["points"]
            for line in csv.DictReader(opened)
            if line["rule_set"] == "default"
        }


def test_what_led_to_buying_gets_the_points_and_what_meant_nothing_gets_few(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    past(home, buyers=40)
    learned = learn(home, tmp_path / "candidate", zone="Asia/Tokyo")
    assert (learned.people, learned.hits) == (400, 40)
    points = points_in(tmp_path / "candidate" / RULES.name)
    assert float(points["quote_request"]) == 30
    assert 0 <= float(points["case_study_view"]) < 15
    assert float(points["email_unsubscribed"]) <= 0
    assert "-0" not in points.values()
    assert points["seminar_attended"] == points_in(RULES)["seminar_attended"], "nobody did it: it stays"
    files = {file.name for file in changed_rules(tmp_path / "candidate")}
    assert files == {RULES.name, WEIGHTS.name}, "what-if takes both as they are"


def test_too_short_a_past_is_a_sentence_and_writes_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    past(home, buyers=19)
    with pytest.raises(
        Trouble, match="there are 19, 20 are needed; keep the rules made by hand until there are"
    ):
        learn(home, tmp_path / "candidate", zone="Asia/Tokyo")
    assert not (tmp_path / "candidate").exists()


def test_no_weight_is_negative_and_a_planted_cause_is_found() -> None:
    dice = np.random.default_rng(7)
    table = dice.random((2000, 3))
    chance = 1 / (1 + np.exp(-(4 * table[:, 0] - 4 * table[:, 1] - 1)))
    weights = fit_nonnegative(table, dice.random(2000) < chance)
    assert (weights[:-1] >= 0).all()
    assert weights[0] > 2 and weights[1] == 0
