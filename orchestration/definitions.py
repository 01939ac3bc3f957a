"""Definitions: what Dagster loads (`workspace.yaml` points here). Nothing is read until it asks."""

import dagster as dg

from orchestration import assets, sync_assets, transform
from orchestration.home import Home
from orchestration.schedules import every_morning, files_landed, ikusei_daily


@dg.definitions
def defs() -> dg.Definitions:
    """The assets in their stages' groups, the daily job with schedule and sensor, the nightly audit.

    The lineage comes from dbt's manifest in the home; `dbt parse` writes it first when it is absent or the
    rules have changed (some seconds).
    """
    home = Home.from_environment()
    manifest = transform.manifest(home.warehouse, home.dbt_target)
    return dg.Definitions(
        assets=[
            *assets.ingest_assets(),
            assets.model_assets(manifest),
            assets.publication_assets(manifest),
            assets.sync_plan_asset(manifest),
            *sync_assets.sync_assets(),
            sync_assets.drift_audit,
        ],
        asset_checks=assets.contract_checks(),
        jobs=[ikusei_daily, sync_assets.ikusei_audit],
        schedules=[every_morning, sync_assets.every_night],
        sensors=[files_landed],
    )
