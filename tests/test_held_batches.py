"""Stories of batches that break a contract: held alone, told in a sentence, let in once mended."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from landed_files import assert_accounted, everything, land, query, run

from ingestion.status import status
from orchestration import checks
from orchestration.trouble import Trouble

GOOD = '10.0.0.{0} - - [10/May/2026:10:0{0}:00 +0900] "GET / HTTP/1.1" 200 12 "-" "Mozilla/5.0" "v{0}"\n'
BAD = GOOD.replace(" 200 ", " 999 ")
MENDED = GOOD
COSTS = "campaign_id,cost_on,amount_jpy\nexpo,2026-05-01,500\n"


def judge(home: Path) -> list[checks.TableVerdict]:
    return checks.judge_new_rows(home / "warehouse.duckdb", home / "marks.json")


def taken_in(home: Path) -> list[checks.Hold]:
    """What is held after one ingestion and one look at the contracts."""
    run(home)
    judge(home)
    return checks.held_now(home / "warehouse.duckdb")


def visitors(home: Path) -> list[str]:
    return [name for (name,) in query(home, "select visitor_id from raw_web.requests order by 1")]


def land_story(home: Path) -> None:
    """Two logs, the second with one status that does not exist, and a file of another source."""
    land(home, "web/www/may.log", GOOD.format(1) + GOOD.format(2))
    land(home, "web/www/june.log", GOOD.format(2) + GOOD.format(3) + BAD.format(4))
    land(home, "costs/2026.csv", COSTS)


def test_only_the_file_that_breaks_its_contract_is_held_and_a_sentence_says_what_to_do(tmp_path):
    land_story(tmp_path)
    [hold] = taken_in(tmp_path)
    assert visitors(tmp_path) == ["v1"]  # v2 came with june.log first, in the order of the paths
    assert query(tmp_path, "select count(*) from raw_costs.entries") == [(1,)]
    told = checks.sentence(hold)
    assert told.startswith("web/www/june.log: 3 rows stay out of raw_web.requests")
    assert "column status breaks column_values_to_be_between" in told and "in 1 rows, line 3;" in told
    assert f"ikusei held release {hold.batch.hold_id}" in told
    assert "v4" not in told and "10.0.0.4" not in told
    [web] = [one for one in status(tmp_path / "warehouse.duckdb") if one.source == "web"]
    assert web.rows_held == 3 and "3 held back" in web.line(datetime(2026, 11, 1))
    read = query(
        tmp_path, "select rows_read, rows_loaded, rows_duplicate, rows_rejected from raw_intake.files"
    )
    assert all(rows == loaded + duplicate + rejected for rows, loaded, duplicate, rejected in read)


def test_what_a_good_file_had_in_common_with_a_held_one_comes_in_with_the_next_run(tmp_path):
    land_story(tmp_path)
    taken_in(tmp_path)
    assert len(taken_in(tmp_path)) == 1
    assert visitors(tmp_path) == ["v1", "v2"]
    assert run(tmp_path).files == [] and judge(tmp_path) == []  # and then all is quiet


def test_a_mended_file_takes_the_place_of_its_held_rows(tmp_path):
    late, early = tmp_path / "late", tmp_path / "early"
    for home in (late, early):
        land_story(home)
    taken_in(late)
    for home in (late, early):
        land(home, "web/www/june.log", GOOD.format(2) + GOOD.format(3) + MENDED.format(4))
    assert taken_in(late) == [] and taken_in(early) == []
    assert visitors(late) == ["v1", "v2", "v3", "v4"]
    assert everything(late) == everything(early)
    assert query(late, "select count(*) from held.web__requests") == [(0,)]
    assert_accounted(late)
    states = query(late, "select state from raw_intake.held order by recorded_at")
    assert states == [("held",), ("replaced",)]


def test_a_file_mended_under_another_name_needs_the_old_one_given_up(tmp_path):
    land_story(tmp_path)
    [hold] = taken_in(tmp_path)
    (tmp_path / "landing/web/www/june.log").unlink()
    land(tmp_path, "web/www/june-corrected.log", GOOD.format(3) + MENDED.format(4))
    assert len(taken_in(tmp_path)) == 1
    assert visitors(tmp_path) == ["v1", "v2", "v3", "v4"]
    checks.decide(tmp_path / "warehouse.duckdb", hold.batch.hold_id, "discard", "sato", "sent again")
    assert taken_in(tmp_path) == []
    assert query(tmp_path, "select count(*) from held.web__requests") == [(3,)]  # kept all the same


def test_a_file_that_grows_is_judged_by_what_has_grown(tmp_path):
    land(tmp_path, "web/www/a.log", GOOD.format(1))
    assert taken_in(tmp_path) == []
    land(tmp_path, "web/www/a.log", GOOD.format(1) + BAD.format(2))
    [hold] = taken_in(tmp_path)
    assert hold.rows == 1 and visitors(tmp_path) == ["v1"]
    land(tmp_path, "web/www/a.log", GOOD.format(1) + BAD.format(2) + GOOD.format(3))
    assert taken_in(tmp_path) == [hold]
    assert visitors(tmp_path) == ["v1", "v3"]
    land(tmp_path, "web/www/a.log", GOOD.format(1) + MENDED.format(2) + GOOD.format(3))
    assert taken_in(tmp_path) == []
    assert visitors(tmp_path) == ["v1", "v2", "v3"]
    assert_accounted(tmp_path)


def test_a_relaxed_contract_lets_the_held_batch_in_by_itself(tmp_path, monkeypatch):
    land_story(tmp_path)
    [hold] = taken_in(tmp_path)
    rules = tmp_path / "contracts.yml"
    wide = checks.CONTRACTS.read_text(encoding="utf-8").replace("max_value: 599", "max_value: 999")
    rules.write_text(wide, encoding="utf-8")
    relaxed = checks.contracts(rules)
    monkeypatch.setattr(checks, "contracts", lambda: relaxed)
    run(tmp_path)
    [verdict] = [one for one in judge(tmp_path) if one.released]
    assert verdict.released == (hold,)
    assert visitors(tmp_path) == ["v1", "v2", "v3", "v4"]
    assert judge(tmp_path) == []
    early = tmp_path / "early"
    land_story(early)
    assert taken_in(early) == []
    assert everything(tmp_path) == everything(early)


def test_a_person_lets_a_batch_in_and_it_is_not_judged_again(tmp_path):
    land_story(tmp_path)
    [hold] = taken_in(tmp_path)
    name = hold.batch.hold_id
    checks.decide(tmp_path / "warehouse.duckdb", name, "release", "sato", "LinkedIn answers 999")
    assert taken_in(tmp_path) == []
    assert visitors(tmp_path) == ["v1", "v2", "v3", "v4"]
    known = query(
        tmp_path, "select count(distinct loaded_at), max(loaded_at) > $$1970-01-01$$ from raw_web.requests"
    )
    assert known == [(2, True)]  # what was let in counts as known from then on
    log = query(tmp_path, "select decided_by, why from raw_intake.held where state = 'released'")
    assert log == [("sato", "LinkedIn answers 999")]
    with pytest.raises(Trouble, match="nothing is held as"):
        checks.decide(tmp_path / "warehouse.duckdb", name, "release", "sato", "again")


def test_rows_loaded_after_known_at_are_left_for_another_run(tmp_path):
    land_story(tmp_path)
    run(tmp_path)
    before = checks.judge_new_rows(
        tmp_path / "warehouse.duckdb", tmp_path / "marks.json", known_at="2000-01-01 00:00:00"
    )
    assert before == [] and not (tmp_path / "marks.json").exists()
    judge(tmp_path)
    assert set(json.loads((tmp_path / "marks.json").read_text())) == {"raw_web.requests", "raw_costs.entries"}


def test_dagster_warns_of_what_is_held_and_lets_the_models_be_built(tmp_path, monkeypatch):
    """An error would stop the models of every source; the rows of this one are out already."""
    import dagster as dg

    from orchestration.assets import contract_checks

    land_story(tmp_path)
    run(tmp_path)
    monkeypatch.setenv("IKUSEI_HOME", str(tmp_path))
    of_table = {each.check_key.asset_key.to_user_string(): each for each in contract_checks()}
    told = of_table["raw_web/requests"]()
    assert (told.passed, told.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "web/www/june.log" in str(told.metadata["held"])
    assert of_table["raw_costs/entries"]().passed
    assert visitors(tmp_path) == ["v1"]
