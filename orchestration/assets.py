"""Assets: the five steps as Dagster sees them, from landing files to pages and the plan of what to send.

    landing/<source>  ->  raw_<source>/<table> (contract: blocking check)
    raw_<source>/<table>  ->  dbt models  ->  publication  ->  pages
                                          ->  sync plan

Each asset calls the function that `run` calls, under the same lock. dbt runs in this process: dagster-dbt
gives names and lineage only, because its command-line resource starts `dbt --version`, which asks the
network.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets

from orchestration import activate, checks, publish, run, transform
from orchestration import ingest as ingestion_step
from orchestration.home import PAGES, Home, Settings
from orchestration.lock import run_lock

PUBLICATION = dg.AssetKey(["serving", "publication"])
SYNC_PLAN = dg.AssetKey(["activation", "sync_plan"])
READ_BY_PAGE = re.compile(r"\b(?:from|join)\s+(\w+)\.(\w+)", re.IGNORECASE)


class Clocks(dg.Config):
    """The clocks of a build, as on the command line; today and everything by default."""

    as_of: str | None = None
    known_at: str | None = None


class StageNames(DagsterDbtTranslator):
    """A model's group is its stage's word, which is its schema too."""

    def __init__(self) -> None:
        # A failed dbt test fails the build and so the run; it needs no second place to be shown in.
        super().__init__(settings=DagsterDbtTranslatorSettings(enable_asset_checks=False))

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return dbt_resource_props["schema"]


def ingest_assets() -> list[dg.AssetSpec | dg.AssetsDefinition]:
    """For each source its landing folder and the raw tables that are filled from it."""
    found: list[dg.AssetSpec | dg.AssetsDefinition] = []
    for source in ingestion_step.SOURCES:
        folder = dg.AssetSpec(
            ["landing", source],
            group_name="ingest",
            kinds={"file"},
            description=f"Files below landing/{source}, put there by others.",
        )
        found += [folder, _raw_tables(source, folder)]
    return found


def contract_checks() -> list[dg.AssetChecksDefinition]:
    """For each raw table its contract. What breaks it is held, so that the models behind it are built without
    those rows; the check fails as a warning, because an error would stop the models of every source.
    """
    return [_contract(table, len(rules)) for table, rules in checks.contracts().items()]


def model_assets(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """Every dbt model and rule table, built together by one `dbt build`."""
    names = StageNames()
    keys = {
        unique_id: names.get_asset_key(node)
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed")
    }

    @dbt_assets(manifest=manifest, dagster_dbt_translator=names, name="dbt_models")
    def dbt_models(context: dg.AssetExecutionContext, config: Clocks) -> Iterator[dg.MaterializeResult]:
        home, settings = Home.from_environment(), Settings.from_environment()
        times = run.Clocks.read(settings, config.as_of, config.known_at)
        with run_lock(home.prepare().lock, "dagster: build", wait=True):
            report = _build(context, home, times, keys)
        for warning in report.warnings:
            context.log.warning(warning)
        for result in report.results:
            if result.unique_id in keys:
                yield dg.MaterializeResult(keys[result.unique_id], metadata={"seconds": result.seconds})

    return dbt_models


def publication_assets(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """The published file and every page on it; the pages are rendered before the link flips."""
    keys = _keys_by_relation(manifest)
    public = [keys[relation] for relation in publish.public_relations(manifest) if relation in keys]
    # What came in is shown for every source, also for one that no model reads.
    raw = [dg.AssetKey(table.split(".")) for table in checks.contracts()]
    published = dg.AssetSpec(
        PUBLICATION,
        deps=[*public, *raw],
        group_name="reporting",
        kinds={"duckdb"},
        description="The file that readers see: the public marts of one run, and what was sent.",
    )
    pages = [_page(page.stem, page.read_text(encoding="utf-8"), keys) for page in sorted(PAGES.glob("*.md"))]

    @dg.multi_asset(specs=[published, *pages], name="publication")
    def publication() -> Iterator[dg.MaterializeResult]:
        home = Home.from_environment()
        with run_lock(home.prepare().lock, "dagster: publish", wait=True):
            file = run.publish(home)
        for spec in (published, *pages):
            yield dg.MaterializeResult(spec.key, metadata={"file": dg.MetadataValue.path(str(file))})

    return publication


def sync_plan_asset(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """What would be sent to the other systems; sending is a person's word (`ikusei sync apply`)."""
    keys = _keys_by_relation(manifest)
    read = [key for relation, key in keys.items() if relation.startswith("activation.sync_")]

    @dg.asset(key=SYNC_PLAN, deps=read, group_name="activation", description=sync_plan_asset.__doc__)
    def sync_plan(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        home = Home.from_environment()
        with run_lock(home.prepare().lock, "dagster: sync plan", wait=True):
            plans = activate.plan(home, as_of=run.last_as_of(home))
        for line in activate.plan_lines(plans):
            context.log.info(line)
        return dg.MaterializeResult(metadata={plan.sync: plan.sends for plan in plans})

    return sync_plan


def _raw_tables(source: str, folder: dg.AssetSpec) -> dg.AssetsDefinition:
    tables = [table for table in checks.contracts() if table.startswith(f"raw_{source}.")]
    specs = [
        dg.AssetSpec(table.split("."), deps=[folder.key], group_name="ingest", kinds={"duckdb"})
        for table in tables
    ]

    @dg.multi_asset(specs=specs, name=f"ingest_{source}")
    def load(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        home, settings = Home.from_environment(), Settings.from_environment()
        with run_lock(home.prepare().lock, f"dagster: ingest {source}", wait=True):
            report = ingestion_step.ingest(home, sources=[source], zone=settings.zone)
        for trouble in report.troubles:
            context.log.warning(f"could not be read: {trouble}")
        for spec in specs:
            yield dg.MaterializeResult(spec.key, metadata={"rows_loaded_of_source": report.rows_loaded})

    return load


def _contract(table: str, rules: int) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=dg.AssetKey(table.split(".")),
        name="contract",
        blocking=True,
        description=f"The {rules} rules of orchestration/contracts.yml on rows that have not passed yet.",
    )
    def contract() -> dg.AssetCheckResult:
        home, settings = Home.from_environment(), Settings.from_environment()
        with run_lock(home.prepare().lock, f"dagster: contract of {table}", wait=True):
            verdicts = run.judge(home, run.Clocks.read(settings), [table])
            held = [hold for hold in checks.held_now(home.warehouse) if hold.batch.table == table]
        return dg.AssetCheckResult(
            passed=not held,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "rows": sum(verdict.rows for verdict in verdicts),
                "held": [checks.sentence(hold) for hold in held],
            },
        )

    return contract


def _build(
    context: dg.AssetExecutionContext, home: Home, times: run.Clocks, keys: Mapping[str, dg.AssetKey]
) -> transform.BuildReport:
    """All models are a build that can be published; a few chosen ones are a try that leaves no record."""
    if not context.is_subset:
        return run.build(home, times, say=context.log.info)[1]
    chosen = [unique_id for unique_id, key in keys.items() if key in context.selected_asset_keys]
    return run.build_some(home, times, [unique_id.split(".")[2] for unique_id in chosen])


def _page(name: str, text: str, keys: Mapping[str, dg.AssetKey]) -> dg.AssetSpec:
    read = {f"{schema}.{table}".lower() for schema, table in READ_BY_PAGE.findall(text)}
    return dg.AssetSpec(
        ["pages", name],
        deps=[PUBLICATION, *sorted(keys[relation] for relation in read if relation in keys)],
        group_name="reporting",
        kinds={"markdown"},
        description=f"dashboards/pages/{name}.md, in Japanese and English.",
    )


def _keys_by_relation(manifest: Mapping[str, Any]) -> dict[str, dg.AssetKey]:
    names = StageNames()
    return {
        f"{node['schema']}.{node['alias']}": names.get_asset_key(node)
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed")
    }
