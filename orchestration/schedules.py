"""Schedules: when the whole way is gone without anybody asking: every morning, and when files land."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from orchestration.home import DEFAULT_ZONE, Home

DAILY = "ikusei_daily"
DAGSTER_YAML = """\
# Written by `ikusei schedule`. One run at a time: the warehouse has one writer.
telemetry: {enabled: false}
nux: {enabled: false}
concurrency: {runs: {max_concurrent_runs: 1}}
"""

# Dagster would start a process per asset; here one process keeps the warehouse and dbt's manifest.
ikusei_daily = dg.define_asset_job(
    DAILY,
    # Sending is a person's word: its assets wait for a click. The audit has its own hour.
    selection=dg.AssetSelection.all()
    - dg.AssetSelection.key_prefixes(["activation", "sent"], ["activation", "audit"]),
    executor_def=dg.in_process_executor,
    description="From landed files to published pages and a plan of what to send.",
)

every_morning = dg.ScheduleDefinition(
    name="every_morning",
    job=ikusei_daily,
    cron_schedule="0 6 * * *",
    execution_timezone=DEFAULT_ZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Before the working day of the sales offices begins.",
)


@dg.sensor(
    job=ikusei_daily,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Run when the landing folder holds other files than at the last look.",
)
def files_landed(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """The cursor is a digest of the listing; a file that grows changes it too."""
    digest = listing_digest(Home.from_environment().landing)
    if digest is None:
        return dg.SkipReason("the landing folder is empty")
    if digest == context.cursor:
        return dg.SkipReason("the same files as at the last look")
    context.update_cursor(digest)
    return dg.RunRequest(run_key=digest)


def listing_digest(landing: Path) -> str | None:
    """Digest of the paths, sizes and change times below a folder; None when there is no file."""
    lines = sorted(_listing(landing))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16] if lines else None


def prepare_dagster(home: Home) -> Path:
    """Dagster's own folder in the home, with telemetry off; returns it for DAGSTER_HOME."""
    home.dagster.mkdir(parents=True, exist_ok=True)
    settings = home.dagster / "dagster.yaml"
    if not settings.exists():
        settings.write_text(DAGSTER_YAML)
    return home.dagster


def _listing(landing: Path) -> Iterator[str]:
    for path in landing.rglob("*"):
        if path.is_file():
            seen = path.stat()
            yield f"{path.relative_to(landing)}\t{seen.st_size}\t{seen.st_mtime_ns}"
