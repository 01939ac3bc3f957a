"""Event lags: how long a deed took to show, from each publication to the ledger of published numbers (SC18).

    touches with points, loaded since the publication before   \\
                                                                 ->  lags, one row a publication and kind
    hand-overs that the publication before did not have        /
    lags + slo.yml  ->  reporting.rpt_event_lags and the cells of two KPIs, in the next public file

Marts hold no loading time, so that any order of loading gives the same rows; the runs themselves know when
they published. A first publication has only backlog and no lag.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import yaml

from orchestration.state import Built
from orchestration.trouble import Trouble

TARGETS = Path(__file__).with_name("slo.yml")
KINDS = ("event_to_score", "event_to_route")
LAGS = """
create table if not exists event_lags (run_id varchar, published_at timestamp, lag_kind varchar,
    events bigint, p50_minutes double, p95_minutes double);
"""
NEW_ROWS = """
    select row_key from source.{table} where loaded_at > ?
"""
MEASURED = """
insert into event_lags
select ?, ?, lag_kind, count(*), quantile_disc(minutes, 0.5), quantile_disc(minutes, 0.95)
from (
    select 'event_to_score' as lag_kind, epoch(cast(? as timestamp) - touches.occurred_at) / 60 as minutes
    from serving.behaviour.fct_touches as touches
    where touches.row_key in (select row_key from new_rows)
        and touches.touch_id in (select touch_id from serving.scoring.fct_score_points)
    union all
    select 'event_to_route', epoch(cast(? as timestamp) - routes.routed_at) / 60
    from serving.routing.fct_lead_routes as routes
    where routes.route_id not in (select route_id from former.routing.fct_lead_routes)
) as lags
group by lag_kind
"""
SHOWN = """
create or replace table reporting.rpt_event_lags as
select lags.run_id, lags.published_at, lags.lag_kind, lags.events, lags.p50_minutes, lags.p95_minutes,
    targets.p95_minutes as target_p95_minutes, lags.p95_minutes <= targets.p95_minutes as is_within_target
from ledger.event_lags as lags
inner join targets on lags.lag_kind = targets.lag_kind
"""
# The newest publication of a month speaks for it.
CELLS = """
insert into reporting.rpt_kpis (kpi_cell_id, kpi_id, name_ja, name_en, family, unit, grain, period,
    segment_kind, segment_id, numerator, value)
with
    newest as (
        select *, cast(date_trunc('month', timezone(?, timezone('UTC', published_at))) as date) as period
        from reporting.rpt_event_lags
        qualify row_number() over (partition by lag_kind, period order by published_at desc) = 1
    ),
    cells as (
        select lag_kind || '_lag' as kpi_id, period, 'all' as segment_kind, 'all' as segment_id,
            p50_minutes as minutes
        from newest
        union all
        select lag_kind || '_lag', period, 'percentile', '95', p95_minutes from newest
    )
select md5(concat_ws('|', kpi_id, period, segment_kind, segment_id)), kpi_id, kpis.name_ja, kpis.name_en,
    kpis.family, kpis.unit, kpis.grain, cells.period, cells.segment_kind, cells.segment_id, cells.minutes,
    cells.minutes
from cells inner join reporting.rpt_kpi_catalogue as kpis using (kpi_id)
"""
NOTHING_MISSING = """
update reporting.rpt_kpi_catalogue as kpis
set missing_data = null, missing_data_ja = null,
    cells = (select count(*) from reporting.rpt_kpis as cells where cells.kpi_id = kpis.kpi_id)
where exists (select 1 from reporting.rpt_event_lags as lags where lags.lag_kind || '_lag' = kpis.kpi_id)
"""


def record(ledger: Path, serving: Path, warehouse: Path, former: Path | None, built: Built) -> int:
    """Keep the lags of a publication. Returns the events measured; recording a run again changes nothing.

    Args:
        ledger: published_numbers.duckdb, which knows what the run before had loaded.
        serving: the file that is about to be public. former: the public one; None before the first.
    """
    with duckdb.connect(str(ledger)) as connection:
        connection.execute(LAGS)
        since = _loaded_before(connection, built.run_id)
        known = connection.execute("select 1 from event_lags where run_id = ?", [built.run_id]).fetchone()
        if former is None or since is None or known:
            return 0
        for name, file in (("serving", serving), ("source", warehouse), ("former", former)):
            connection.execute(f"attach '{str(file).replace(chr(39), chr(39) * 2)}' as {name} (read_only)")
        _note_new_rows(connection, since)
        published_at = connection.execute("select published_at from serving.reporting.rpt_run").fetchone()[0]
        connection.execute(MEASURED, [built.run_id, published_at, published_at, published_at])
        found = connection.execute(
            "select coalesce(sum(events), 0) from event_lags where run_id = ?", [built.run_id]
        )
        return int(found.fetchone()[0])


def show(ledger: Path, candidate: Path, zone: str) -> None:
    """Write every publication's lags, beside their targets, into a file that is about to be public."""
    with duckdb.connect(str(ledger)) as connection:
        connection.execute(LAGS)
    with duckdb.connect(str(candidate)) as connection:
        connection.execute(f"attach '{str(ledger).replace(chr(39), chr(39) * 2)}' as ledger (read_only)")
        connection.execute("create temp table targets (lag_kind varchar, p95_minutes double)")
        connection.executemany("insert into targets values (?, ?)", list(targets().items()))
        connection.execute(SHOWN)
        connection.execute(CELLS, [zone])
        connection.execute(NOTHING_MISSING)


def targets(path: Path = TARGETS) -> dict[str, float]:
    """Minutes that 95 of 100 deeds may take, by kind of lag.

    Raises:
        Trouble: slo.yml names another kind, or no positive number of minutes.
    """
    told: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8")).get("targets") or {}
    if set(told) != set(KINDS):
        raise Trouble(f"{path.name} must name the targets {' and '.join(KINDS)}, not {sorted(told)}")
    for kind, target in told.items():
        minutes = target.get("p95_minutes")
        if isinstance(minutes, bool) or not isinstance(minutes, int | float) or minutes <= 0:
            raise Trouble(f"{path.name}: {kind} needs p95_minutes, a number above 0, not {minutes!r}")
    return {kind: float(told[kind]["p95_minutes"]) for kind in KINDS}


def _loaded_before(connection: duckdb.DuckDBPyConnection, run_id: str) -> Any:
    """When the newest row of the publication before was loaded; None when there is none before."""
    row = connection.execute(
        "select loaded_through from runs where run_number < "
        "(select run_number from runs where run_id = ?) order by run_number desc limit 1",
        [run_id],
    ).fetchone()
    return row[0] if row else None


def _note_new_rows(connection: duckdb.DuckDBPyConnection, since: Any) -> None:
    tables = connection.execute(
        "select table_schema || '.' || table_name from information_schema.columns "
        "where table_catalog = 'source' and column_name in ('row_key', 'loaded_at') "
        "and table_schema like 'raw\\_%' escape '\\' and table_schema not like '%\\_staging' escape '\\' "
        "group by all having count(*) = 2 order by 1"
    ).fetchall()
    connection.execute("create temp table new_rows (row_key varchar)")
    for (table,) in tables:
        connection.execute(f"insert into new_rows {NEW_ROWS.format(table=table)}", [since])
