"""Publish: from the warehouse to the file that readers see, checked before it is shown.

    warehouse.duckdb + ledger.sqlite  ->  serving-<run>.duckdb  ->  each page rendered  ->  the link flips

A reader resolves the link once per request, so it sees one run or the next, never half of one. The last three
files stay, so a reader that began on an older one ends on it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import duckdb

from orchestration import event_lags, published_numbers
from orchestration.home import Home
from orchestration.state import Built
from orchestration.transform import STAGES
from orchestration.trouble import Trouble

KEPT_FILES = 3
PUBLIC_STAGES = tuple(stage for stage in STAGES if stage != "staging")
METRICS = "semantic_manifest.json"
# Only a world of known truth has errors to show; `ikusei world score` fills the tables of its own home.
NO_ERRORS = (
    "create table if not exists reporting.rpt_errors "
    "(rank bigint, area varchar, measure varchar, trouble varchar, value double, n bigint);"
    "create table if not exists reporting.rpt_errors_of_kpis (kpi_id varchar, name_ja varchar, "
    "name_en varchar, unit varchar, periods bigint, measured double, truth double, error_mean double, "
    "error_worst double, note_ja varchar, note_en varchar)"
)


def publish(
    home: Home,
    built: Built,
    manifest: Mapping[str, Any],
    *,
    on_progress: Callable[[str], None] | None = None,
) -> Path:
    """Write, check and show one build. Returns the published file.

    Args:
        built: the build that the warehouse holds; its run id names the file.
        manifest: dbt's manifest.json, which knows the public models.

    Raises:
        Trouble: a page does not render on the new file; the old publication stays.
    """
    say = on_progress or (lambda line: None)
    with _candidate(home, built.run_id, built.zone) as candidate:
        _write(candidate, home, built, public_relations(manifest))
        say(f"{candidate.stat().st_size / 1e6:,.1f} MB written")
        _put_metrics_beside(candidate, home.dbt_target / METRICS)
    return candidate


def _keep_numbers(candidate: Path, home: Home, built: Built) -> None:
    """The ledger gets what this file says before the file does: a number is never public and not kept."""
    published_numbers.keep_rules(home, built.rules_digest)
    published_numbers.record(home.published_numbers, candidate, home.warehouse, built)
    published_numbers.show(home.published_numbers, candidate)
    former = home.published.resolve() if home.published.exists() else None
    event_lags.record(home.published_numbers, candidate, home.warehouse, former, built)
    event_lags.show(home.published_numbers, candidate, built.zone)


def publish_sync_state(home: Home, zone: str) -> Path | None:
    """Show the ledger as it is now, beside the marts that are public; None when nothing is public yet.

    Raises:
        Trouble: a page does not render on the new file; the old publication stays.
    """
    from orchestration.activation import publish_ledger

    if not home.published.exists():
        return None
    with _successor(home, zone) as candidate:
        publish_ledger(home.ledger, candidate)
    return candidate


def publish_errors(
    home: Home,
    zone: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    write_more: Callable[[duckdb.DuckDBPyConnection], None] = lambda connection: None,
) -> Path:
    """Show a table of errors beside the public marts that it judges; the next build begins without one.

    Args:
        write_more: writes further tables of the judge into the same file.

    Raises:
        Trouble: a page does not render on the new file; the old publication stays.
    """
    with _successor(home, zone) as candidate, duckdb.connect(str(candidate)) as connection:
        connection.execute(NO_ERRORS)  # the copy of a file of an older version has none
        connection.execute("delete from reporting.rpt_errors")
        if rows:
            places = ", ".join("?" * len(columns))
            connection.executemany(
                f"insert into reporting.rpt_errors ({', '.join(columns)}) values ({places})", rows
            )
        write_more(connection)
    return candidate


def public_relations(manifest: Mapping[str, Any]) -> list[str]:
    """'schema.table' of each public model and each rule table after staging: what the outside may read."""
    relations = {
        f"{node['schema']}.{node['alias']}"
        for node in manifest["nodes"].values()
        if node["schema"] in PUBLIC_STAGES
        and (
            node["resource_type"] == "seed"
            or (node["resource_type"] == "model" and node["config"].get("access") == "public")
        )
    }
    return sorted(relations)


def held_shown(home: Home) -> set[str]:
    """Names of the held batches that the public health page tells of."""
    if not home.published.exists():
        return set()
    with duckdb.connect(str(home.published.resolve()), read_only=True) as connection:
        there = connection.execute("select 1 from duckdb_tables() where table_name = 'rpt_held'").fetchall()
        rows = connection.execute("select hold_id from reporting.rpt_held").fetchall() if there else []
    return {hold_id for (hold_id,) in rows}


def published_files(serving: Path) -> list[Path]:
    """The kept files, oldest first."""
    return sorted(serving.glob("serving-*.duckdb"), key=lambda file: (file.stat().st_mtime_ns, file.name))


@contextmanager
def _candidate(home: Home, run_id: str, zone: str) -> Iterator[Path]:
    """A new file of a run: filled by the body, then checked and shown; thrown away when anything fails."""
    home.serving.mkdir(parents=True, exist_ok=True)
    candidate = _free_name(home.serving, run_id)
    try:
        yield candidate
        _to_disk(candidate)
        _check(candidate, zone)
    except BaseException:
        _discard(candidate)
        raise
    _flip(home.published, candidate)
    _drop_old(home.serving, candidate)


@contextmanager
def _successor(home: Home, zone: str) -> Iterator[Path]:
    """A new file that begins as a copy of the public one, for what is added to the marts of the same run."""
    current = home.published.resolve()
    with duckdb.connect(str(current), read_only=True) as connection:
        run_id = connection.execute("select run_id from reporting.rpt_run").fetchone()[0]
    with _candidate(home, run_id, zone) as candidate:
        shutil.copyfile(current, candidate)
        yield candidate
        with duckdb.connect(str(candidate)) as connection:
            connection.execute("update reporting.rpt_run set published_at = ?", [_now()])
            connection.execute(NO_ERRORS)
        _put_metrics_beside(candidate, metrics_of(current))


def _free_name(serving: Path, run_id: str) -> Path:
    """serving-<run>.duckdb, or a numbered one when that run is public already: a shown file never changes."""
    names = (f"serving-{run_id}{'' if n == 1 else f'-{n}'}.duckdb" for n in count(1))
    return next(serving / name for name in names if not (serving / name).exists())


def _write(candidate: Path, home: Home, built: Built, relations: Iterable[str]) -> None:
    from orchestration.activation import publish_ledger

    with duckdb.connect(str(candidate)) as connection:
        # Views in the warehouse name their catalog, so it must be attached under its own name.
        catalog = home.warehouse.stem
        connection.execute(f"attach '{_quoted(home.warehouse)}' as {catalog} (read_only)")
        for relation in relations:
            _copy(connection, catalog, relation)
        for table in ("raw_intake.files", "raw_intake.rejects", "raw_intake.held"):
            _copy(connection, catalog, table)
        _write_origins(connection, catalog)
        _write_run(connection, built)
        _write_health(connection)
        connection.execute(NO_ERRORS)
        connection.execute(f"detach {catalog}")
    publish_ledger(home.ledger, candidate)
    _keep_numbers(candidate, home, built)


def _copy(connection: duckdb.DuckDBPyConnection, catalog: str, relation: str) -> None:
    schema, table = relation.split(".")
    connection.execute(f"create schema if not exists {schema}")
    connection.execute(f'create table {schema}."{table}" as select * from {catalog}.{schema}."{table}"')


def _write_origins(connection: duckdb.DuckDBPyConnection, catalog: str) -> None:
    """raw_intake.origins: file and line of each raw row under a point, a link or a KPI, for `explain`."""
    tables = connection.execute(
        "select table_schema || '.' || table_name from information_schema.columns "
        "where table_catalog = ? and column_name = 'line_number' and table_schema like 'raw\\_%' escape '\\' "
        "and table_schema <> 'raw_intake' and table_schema not like '%\\_staging' escape '\\' order by 1",
        [catalog],
    ).fetchall()
    rows = " union all ".join(
        f"select row_key, '{table}' as raw_table, source_file, line_number from {catalog}.{table}"
        for (table,) in tables
    )
    connection.execute(
        f"create table raw_intake.origins as select * from ({rows}) as raw where row_key in ("
        "select touches.row_key from behaviour.fct_touches as touches "
        "inner join scoring.fct_score_points as points on touches.touch_id = points.touch_id "
        "union select evidence_row_key from identity.identity_links "
        "union select evidence_row_key from identity.identity_refusals "
        "union select evidence_row_key from identity.visitor_spans "
        "union select row_key from funnel.fct_form_passes union select row_key from funnel.fct_opportunities "
        "union select row_key from funnel.fct_orders)"
    )


def _write_run(connection: duckdb.DuckDBPyConnection, built: Built) -> None:
    connection.execute("create schema if not exists reporting")
    connection.execute(
        "create table reporting.rpt_run as select cast(? as varchar) as run_id, cast(? as date) as as_of, "
        "cast(? as timestamp) as known_at, cast(? as varchar) as rules_digest, "
        "cast(? as timestamp) as published_at",
        [built.run_id, built.as_of, built.known_at, built.rules_digest, _now()],
    )


def _write_health(connection: duckdb.DuckDBPyConnection) -> None:
    """Files and rows by source, and the batches that are held now; of the rows loaded some are held."""
    connection.execute(
        "create table reporting.rpt_held as select hold_id, source, raw_table, path, load_at, "
        "max_by(rows_held, recorded_at) as rows_held, max_by(reason, recorded_at) as reason, "
        "min(recorded_at) as held_at from raw_intake.held "
        "group by hold_id, source, raw_table, path, load_at having bool_and(state = 'held')"
    )
    connection.execute(
        "create table reporting.rpt_health as select source, count(*) as files, "
        + ", ".join(
            f"cast(sum({column}) as bigint) as {column}"
            for column in ("rows_read", "rows_loaded", "rows_duplicate", "rows_rejected")
        )
        + ", cast(coalesce((select sum(rows_held) from reporting.rpt_held as held "
        "where held.source = files.source), 0) as bigint) as rows_held"
        " from raw_intake.files as files group by source order by source"
    )


def _put_metrics_beside(candidate: Path, source: Path) -> None:
    """Keep the metric definitions that this file's pages expand."""
    if source.exists():
        shutil.copyfile(source, metrics_of(candidate))


def metrics_of(file: Path) -> Path:
    """The metric definitions that belong to a published file."""
    return file.with_name(file.name.replace("serving-", "semantic_manifest-").replace(".duckdb", ".json"))


def _check(candidate: Path, zone: str) -> None:
    from dashboards import check

    problems = check(candidate, metrics_of(candidate), zone=zone)
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise Trouble(
            f"a page does not render on the new build{more}: {problems[0]}; the last publication stays up: "
            "correct the page or the model it reads, then run again"
        )


def _flip(link: Path, candidate: Path) -> None:
    """Point the link at the new file in one step; a reader finds the old file or the new one."""
    _point(link.with_name(METRICS), metrics_of(candidate))
    _point(link, candidate)
    _to_disk(link.parent)


def _point(link: Path, target: Path) -> None:
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target.name)
    os.replace(fresh, link)


def _drop_old(serving: Path, current: Path) -> None:
    for file in published_files(serving)[:-KEPT_FILES]:
        if file != current:
            _discard(file)


def _discard(file: Path) -> None:
    for leftover in (file, file.with_name(file.name + ".wal"), metrics_of(file)):
        leftover.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
