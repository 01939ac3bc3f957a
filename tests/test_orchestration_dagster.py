"""Dagster: every model in its stage's group, a path from each file to a page, and the job is the run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from orchestrated import AS_OF, first_run, invented, marts

from orchestration import checks, transform
from orchestration.definitions import defs
from orchestration.home import PROJECT, Home
from orchestration.ingest import SOURCES
from orchestration.schedules import DAILY, listing_digest
from orchestration.state import read


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A copy of the built home with its files in its own landing folder, as the environment's home."""
    copy = tmp_path_factory.mktemp("dagster") / "home"
    shutil.copytree(first_run()[0].root, copy, symlinks=True)
    shutil.copytree(invented(), copy / "landing", dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("IKUSEI_HOME", str(copy))
        yield Home(copy)


@pytest.fixture(scope="module")
def loaded(home: Home) -> dg.Definitions:
    return defs()


@pytest.fixture(scope="module")
def graph(loaded: dg.Definitions) -> dg.AssetGraph:
    return loaded.resolve_asset_graph()


def test_every_model_sits_in_the_group_of_its_folder(home: Home, graph: object) -> None:
    manifest = transform.manifest(home.warehouse, home.dbt_target)
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    assert len(models) > 50
    for node in models:
        stage = Path(node["original_file_path"]).parts[1].split("_", 1)[1]
        assert graph.get(dg.AssetKey([stage, node["name"]])).group_name == stage
    folders = {folder.name.split("_", 1)[1] for folder in (PROJECT / "models").iterdir() if folder.is_dir()}
    assert folders == set(transform.STAGES)
    groups = {graph.get(key).group_name for key in graph.get_all_asset_keys()}
    assert groups == {"ingest", *transform.STAGES}


@pytest.mark.parametrize("source", SOURCES)
def test_a_path_leads_from_each_kind_of_file_to_a_page_and_to_the_sync_plan(
    graph: object, source: str
) -> None:
    reached, ahead = set(), [dg.AssetKey(["landing", source])]
    while ahead:
        key = ahead.pop()
        if key not in reached:
            reached.add(key)
            ahead += graph.get(key).child_keys
    assert dg.AssetKey(["pages", "lead"]) in reached or dg.AssetKey(["pages", "index"]) in reached
    assert dg.AssetKey(["serving", "publication"]) in reached


def test_every_raw_table_has_its_contract_as_a_blocking_check(loaded: dg.Definitions) -> None:
    from ingestion import RAW_TABLES

    blocking = {
        spec.asset_key.to_user_string().replace("/", ".")
        for each in loaded.asset_checks
        for spec in each.check_specs
        if spec.blocking
    }
    raw = {table for table in RAW_TABLES if not table.startswith("raw_intake.")}
    assert blocking == set(checks.contracts()) == raw


def test_contracts_name_columns_that_the_raw_tables_have() -> None:
    from ingestion import RAW_TABLES

    for table, rules in checks.contracts().items():
        assert {rule["column"] for rule in rules} <= set(RAW_TABLES[table].names)
        assert all(rule["why"] for rule in rules)


def test_the_job_does_what_the_command_does(home: Home, loaded: dg.Definitions) -> None:
    before, built = marts(home.warehouse, home), read(home.run_state).built
    result = loaded.resolve_job_def(DAILY).execute_in_process(
        run_config={"ops": {"dbt_models": {"config": {"as_of": AS_OF}}}}
    )
    assert result.success
    assert marts(home.warehouse, home) == before
    after = read(home.run_state)
    assert after.built.run_id == after.published_run_id > built.run_id
    assert after.built.run_id in home.published.resolve().name


def test_the_sensor_sees_a_new_file_a_grown_one_and_a_lost_one(tmp_path: Path) -> None:
    assert listing_digest(tmp_path) is None
    file = tmp_path / "web" / "access.log"
    file.parent.mkdir()
    file.write_text("one\n")
    first = listing_digest(tmp_path)
    assert listing_digest(tmp_path) == first
    file.write_text("one\ntwo\n")
    assert listing_digest(tmp_path) not in (None, first)
    file.unlink()
    assert listing_digest(tmp_path) is None


def test_the_day_begins_at_six_in_tokyo_and_files_are_watched(loaded: dg.Definitions) -> None:
    schedules, (sensor,) = {schedule.name: schedule for schedule in loaded.schedules}, loaded.sensors
    times = {name: (each.cron_schedule, each.execution_timezone) for name, each in schedules.items()}
    assert times == {
        "every_morning": ("0 6 * * *", "Asia/Tokyo"),
        "every_night": ("0 5 * * *", "Asia/Tokyo"),  # the audit that looks for drift
    }
    assert schedules["every_morning"].job_name == sensor.job_name == DAILY
