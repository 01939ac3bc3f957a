"""One Dagster asset for each file of `7_activation/syncs`: materialising it sends what its plan says.

They stand outside the daily job: sending is a person's word, here a click on the asset, elsewhere
`ikusei sync apply`.
"""

import dagster as dg

from orchestration import activate
from orchestration.activation.configuration import Sync, read_syncs
from orchestration.assets import SYNC_PLAN
from orchestration.home import SYNCS, Home, Settings
from orchestration.lock import run_lock
from orchestration.publish import publish_sync_state

SENT = ["activation", "sent"]  # the key prefix that no schedule materialises


def sync_assets() -> list[dg.AssetsDefinition]:
    """An asset for each sync file, downstream of its model and of the plan."""
    return [_sync_asset(sync) for sync in read_syncs(SYNCS)]


def _sync_asset(sync: Sync) -> dg.AssetsDefinition:
    @dg.asset(
        key=[*SENT, sync.name],
        deps=[SYNC_PLAN, dg.AssetKey(sync.model.split("."))],
        group_name="activation",
        kinds={sync.destination},
        description=sync.why,
    )
    def sent(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        home = Home.from_environment()
        with run_lock(home.prepare().lock, f"dagster: send {sync.name}", wait=True):
            runs = activate.apply(home, only=sync.name, on_progress=context.log.info)
            publish_sync_state(home, Settings.from_environment().zone)
        if not activate.went_well(runs):
            raise dg.Failure(" ".join(activate.run_lines(runs)))
        counts = runs[0].counts()
        return dg.MaterializeResult(metadata={name: str(value) for name, value in counts.items()})

    return sent
