"""Published numbers: from each publication's KPI cells to a ledger that forgets none of them.

    serving-<run>.duckdb: funnel.fct_kpis  ->  published_numbers.duckdb: runs, cells, restatements
    dbt_project  ->  rules/<digest>.tar.gz, once for each set of rules, so that it can be built again

A cell stands in the ledger once for each value that was public, with the run, what the run had read (as-of
day, newest row, newest decision on a link, last erasure), the digest of the rules and the version of the
definition. The ledger holds sums of many people and names nobody. It is about the runs themselves, so no
mart reads it.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

import duckdb

from orchestration.home import PROJECT, Home
from orchestration.state import NOT_RULES, Built

TABLES = """
create table if not exists runs (run_number integer primary key, run_id varchar unique,
    published_at timestamp, as_of date, known_at timestamp, zone varchar, rules_digest varchar,
    loaded_through timestamp,
    decided_through timestamp, taken_back_through timestamp);
create table if not exists cells (run_number integer, kpi_id varchar, definition_version varchar,
    period date, segment_kind varchar, segment_id varchar, numerator decimal(28, 9),
    denominator decimal(28, 9), value double,
    is_there boolean);
create table if not exists restatements (former_run_id varchar, run_id varchar, kpi_id varchar, period date,
    segment_kind varchar, segment_id varchar, former_value decimal(38, 12), value decimal(38, 12),
    by_time decimal(38, 12), by_late_data decimal(38, 12), by_identity decimal(38, 12),
    by_rules decimal(38, 12), by_erasure decimal(38, 12));
"""
NEWEST = """
    select * from cells qualify row_number() over (
        partition by kpi_id, period, segment_kind, segment_id order by run_number desc) = 1
"""
# What a month says may change later and vanish; the state of a former as-of day is over with the day.
CHANGED = f"""
insert into cells
with
    newest as ({NEWEST}),
    present as (
        select kpis.*, catalogue.definition_version
        from serving.funnel.fct_kpis as kpis
        inner join serving.funnel.kpi_catalogue as catalogue on kpis.kpi_id = catalogue.kpi_id
    )
select ?, kpi_id, present.definition_version, period, segment_kind, segment_id, present.numerator,
    present.denominator, present.value, true
from present left join newest using (kpi_id, period, segment_kind, segment_id)
where newest.is_there is not true
    or (present.numerator, present.denominator, present.definition_version)
    is distinct from (newest.numerator, newest.denominator, newest.definition_version)
union all
select ?, kpi_id, newest.definition_version, period, segment_kind, segment_id, null, null, null, false
from newest anti join present using (kpi_id, period, segment_kind, segment_id)
where newest.is_there and exists (
    select 1 from serving.funnel.kpi_catalogue as catalogue
    where catalogue.kpi_id = newest.kpi_id and catalogue.grain <> 'as_of'
)
"""
SHOWN = """
create or replace table reporting.rpt_published_numbers as
select cells.kpi_id, cells.period, cells.segment_kind, cells.segment_id, runs.run_id,
    runs.run_number, runs.published_at, runs.as_of, runs.rules_digest,
    cells.definition_version,
    cast(cells.numerator as double) as numerator, cast(cells.denominator as double) as denominator,
    cells.value,
    row_number() over (partition by cells.kpi_id, cells.period, cells.segment_kind, cells.segment_id
        order by cells.run_number desc) = 1 as is_latest
from published_numbers.cells inner join published_numbers.runs on cells.run_number = runs.run_number
where cells.segment_kind = 'all';
create or replace table reporting.rpt_restatements as
select former_run_id, run_id, kpi_id, period, segment_kind, segment_id,
    cast(former_value as double) as former_value, cast(value as double) as value,
    cast(by_time as double) as by_time, cast(by_late_data as double) as by_late_data,
    cast(by_identity as double) as by_identity, cast(by_rules as double) as by_rules,
    cast(by_erasure as double) as by_erasure
from published_numbers.restatements;
"""


def record(ledger: Path, serving: Path, warehouse: Path, built: Built) -> int:
    """Keep what a publication says where it differs from the one before. Returns the cells kept.

    Recording a run again changes nothing.
    """
    with duckdb.connect(str(ledger)) as connection:
        connection.execute(TABLES)
        if connection.execute("select 1 from runs where run_id = ?", [built.run_id]).fetchone():
            return 0
        connection.execute(f"attach '{_quoted(serving)}' as serving (read_only)")
        connection.execute(f"attach '{_quoted(warehouse)}' as source (read_only)")
        published_at, decided = connection.execute(
            "select published_at, (select max(loaded_at) from source.raw_links.decisions) "
            "from serving.reporting.rpt_run"
        ).fetchone()
        number = connection.execute("select coalesce(max(run_number), 0) + 1 from runs").fetchone()[0]
        connection.begin()
        connection.execute(
            "insert into runs values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                number,
                built.run_id,
                published_at,
                built.as_of,
                built.known_at,
                built.zone,
                built.rules_digest,
                built.loaded_through,
                decided,
                built.taken_back_through,
            ],
        )
        connection.execute(CHANGED, [number, number])
        connection.commit()
        return connection.execute("select count(*) from cells where run_number = ?", [number]).fetchone()[0]


def show(ledger: Path, candidate: Path) -> None:
    """Write the ledger's history into a file that is about to be public."""
    with duckdb.connect(str(ledger)) as connection:
        connection.execute(TABLES)
    with duckdb.connect(str(candidate)) as connection:
        connection.execute(f"attach '{_quoted(ledger)}' as published_numbers (read_only)")
        connection.execute(SHOWN)


def keep_rules(home: Home, digest: str, project: Path = PROJECT) -> Path:
    """Keep the rules of a publication, once for each digest: the third clock of a home without git."""
    kept = home.rules / f"{digest}.tar.gz"
    if not kept.exists():
        home.rules.mkdir(parents=True, exist_ok=True)
        fresh = kept.with_suffix(".fresh")
        with tarfile.open(fresh, "w:gz") as archive:
            archive.add(project, arcname="dbt_project", filter=_rules_only)
        fresh.replace(kept)
    return kept


def _rules_only(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if NOT_RULES & set(Path(member.name).parts) else member


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
