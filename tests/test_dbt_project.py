"""The house of the models: grain said first, rules that say why, doors where they belong, and no warning."""

import csv
from pathlib import Path
from typing import Any

import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from orchestrated import first_run

from orchestration import transform
from orchestration.home import PROJECT

RULE_FILES = sorted((PROJECT / "models").rglob("*.csv"))


@pytest.fixture(scope="module")
def nodes() -> list[dict[str, Any]]:
    home, _ = first_run()
    return list(transform.manifest(home.warehouse, home.dbt_target)["nodes"].values())


def test_every_model_and_rule_table_says_its_grain_first(nodes: list[dict[str, Any]]) -> None:
    silent = [
        node["name"]
        for node in nodes
        if node["resource_type"] in ("model", "seed") and not node["description"].startswith("One row per ")
    ]
    assert not silent, f"no grain in the description of {silent}"


def test_no_source_is_an_orphan_every_raw_table_reaches_a_mart(nodes: list[dict[str, Any]]) -> None:
    """What a company sends and no mart uses is work for nothing: the share of such tables is 0."""
    from ingestion import RAW_TABLES

    children: dict[str, set[str]] = {}
    for node in nodes:
        for parent in node["depends_on"].get("nodes", []):
            children.setdefault(parent, set()).add(node["unique_id"])
    by_id = {node["unique_id"]: node for node in nodes}
    orphans = []
    for table in (name for name in RAW_TABLES if not name.startswith("raw_intake.")):
        reached, ahead = set(), [f"source.ikusei.{table}"]
        while ahead:
            new = children.get(ahead.pop(), set()) - reached
            reached |= new
            ahead += new
        models = [by_id[name] for name in reached if by_id[name]["resource_type"] == "model"]
        marts = [one for one in models if one["schema"] != "staging" and one["config"]["access"] == "public"]
        orphans += [] if marts else [table]
    assert orphans == []


def test_every_public_model_has_a_key_that_is_tested(nodes: list[dict[str, Any]]) -> None:
    tested = {
        parent
        for node in nodes
        if node["resource_type"] == "test"
        and (node.get("test_metadata") or {}).get("name") in ("unique", "unique_combination")
        for parent in node["depends_on"]["nodes"]
    }
    without = [
        node["name"]
        for node in nodes
        if node["resource_type"] == "model"
        and node["config"]["access"] == "public"
        and node["unique_id"] not in tested
    ]
    assert not without, f"no unique key is tested for {without}"


def test_a_model_refers_across_stages_to_public_models_only(nodes: list[dict[str, Any]]) -> None:
    by_id = {node["unique_id"]: node for node in nodes}
    for node in nodes:
        for parent in (by_id.get(name) for name in node["depends_on"].get("nodes", [])):
            if node["resource_type"] == "model" and parent and parent["resource_type"] == "model":
                crosses = parent["fqn"][1] != node["fqn"][1]
                # what a build says anew is handed on from stage to stage, and is no mart
                is_handed_on = parent["config"].get("incremental_strategy") == "renewed"
                is_open = parent["config"]["access"] == "public" or is_handed_on
                assert not crosses or is_open, (node["name"], parent["name"])


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.stem)
def test_every_rule_says_why(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rules = list(csv.DictReader(file))
    assert rules, f"{path.name} holds no rule"
    silent = [number for number, rule in enumerate(rules, start=2) if not (rule.get("why") or "").strip()]
    assert not silent, f"{path.name}: no why in lines {silent}"


def test_dbt_reads_and_builds_the_project_without_a_warning(tmp_path: Path) -> None:
    home, _ = first_run()
    warnings: list[str] = []

    def watch(event: Any) -> None:
        if event.info.level == "warn":
            warnings.append(f"{event.info.name}: {event.info.msg}")

    arguments = [
        "--project-dir",
        str(PROJECT),
        "--profiles-dir",
        str(PROJECT),
        "--target-path",
        str(tmp_path),
    ]
    environment = pytest.MonkeyPatch()
    environment.setenv("IKUSEI_WAREHOUSE", str(home.warehouse))
    try:
        outcome = dbtRunner(callbacks=[watch]).invoke(
            ["--quiet", "compile", "--log-path", str(tmp_path), *arguments]
        )
    finally:
        environment.undo()
        DuckDBConnectionManager.close_all_connections()
    assert outcome.success, outcome.exception
    assert not warnings
