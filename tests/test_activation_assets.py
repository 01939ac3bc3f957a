"""Dagster: an asset for each sync file that sends when it is clicked, and never by itself."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from activation_warehouse import SYNCS, Company, lead

from orchestration.home import Home
from orchestration.schedules import ikusei_daily
from orchestration.sync_assets import SENT, sync_assets


def test_each_sync_file_is_an_asset_below_its_model_that_no_schedule_sends() -> None:
    assets = sync_assets()
    assert {asset.key.path[-1] for asset in assets} == {path.stem for path in SYNCS.glob("*.yml")}
    models = [dg.AssetSpec(key) for asset in assets for key in asset.dependency_keys]
    everything = dg.Definitions([*{spec.key: spec for spec in models}.values(), *assets], jobs=[ikusei_daily])
    planned = everything.resolve_job_def(ikusei_daily.name).asset_layer.executable_asset_keys
    assert not [key for key in planned if key.path[:2] == SENT]


def test_a_click_sends_and_says_the_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IKUSEI_HOME", str(tmp_path))
    company, home = Company(tmp_path), Home(tmp_path)
    company.have([lead("a"), lead("b")])
    clicked = [asset for asset in sync_assets() if asset.key.path[-1] == "files_routed_leads"]
    done = dg.materialize(clicked)
    assert done.success and "routed_leads.csv" in {path.name for path in home.sent_files.rglob("*")}
    (event,) = done.asset_materializations_for_node("activation__sent__files_routed_leads")
    assert event.metadata["acked"].value == "2"
