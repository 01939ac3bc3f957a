"""One Dagster asset for each file of `7_activation/syncs`: materialising it sends what its plan says.

They stand outside the daily job: sending is a person's word, here a click on the asset, elsewhere
`ikusei sync apply`. The audit that looks for drift sends nothing and has a daily job of its own.
"""

import dagster as dg

from orchestration import activate
from orchestration.activation.configuration import Sync, read_syncs
from orchestration.assets import SYNC_PLAN
from orchestration.home import DEFAULT_ZONE, SYNCS, Home, Settings
from orchestration.lock import run_lock
from orchestration.publish import publish_sync_state

SENT = ["activation", "sent"]  # the key prefix that no schedule materialises


AUDIT = dg.AssetKey(["activation", "audit"])

ikusei_audit = dg.define_asset_job(
    "ikusei_audit",
    selection=dg.AssetSelection.assets(AUDIT),
    executor_def=dg.in_process_executor,
    description="What the other systems have otherwise than we believe.",
)

every_night = dg.ScheduleDefinition(
    name="every_night",
    job=ikusei_audit,
    cron_schedule="0 5 * * *",
    execution_timezone=DEFAULT_ZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Before the morning's run, so that its plan and pages know of the night's drift.",
)


@dg.asset(key=AUDIT, group_name="activation", description="Ghosts, orphans, edits and merges over there.")
def drift_audit(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Looks at every destination and shows what differs; drift is a finding and no failure."""
    home = Home.from_environment()
    if not home.warehouse.exists():
        return dg.MaterializeResult(metadata={"found": "no warehouse yet"})
    with run_lock(home.prepare().lock, "dagster: audit", wait=True):
        audits = activate.audit(home, on_progress=context.log.info)
        publish_sync_state(home, Settings.from_environment().zone)
    return dg.MaterializeResult(metadata={made.sync: made.line for made in audits})


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
