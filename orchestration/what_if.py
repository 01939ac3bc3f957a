"""What if: from changed rule CSVs to who would cross a threshold, and whether they would have found orders.

    the warehouse -> a copy -> only what depends on the changed rules is built anew -> both compared
    the scores of past days, from what was known on each, under both -> held against the days after

Any rule CSV of the project may be changed: points, identity, machines, channels, routing. Nothing of the home
changes; the copy is thrown away. `what_if_report` writes the outcome for people and programs.
"""

from __future__ import annotations

import csv
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration import state, transform
from orchestration.home import PROJECT, Home
from orchestration.lock import run_lock
from orchestration.run import Clocks
from orchestration.trouble import Trouble
from orchestration.what_if_kpis import kpis_moved
from orchestration.what_if_routing import UnitLoad, unit_loads

Say = Callable[[str], None]
FEWEST_OUTCOMES = 20  # below it a rate says more about chance than about rules
TOLERANCE = 0.01  # of AUC: a smaller loss is no harm
# What is compared, and what judges the rules themselves; nothing else is built for a question.
COMPARED = (
    "dim_people",
    "identity_links",
    "identity_refusals",
    "fct_touches",
    "fct_lead_scores",
    "fct_score_history",
    "fct_lead_routes",
    "fct_lead_credits",
    "routing_findings",
    "fct_kpi_daily",
)

BANDS_MOVED = """
select before.score_band as band_before, after.score_band as band_after, count(*) as people
from before.scoring.fct_lead_scores as before
inner join after.scoring.fct_lead_scores as after on before.person_id = after.person_id
where before.score_band <> after.score_band
group by all
order by people desc, band_before, band_after
"""
GRADES_MOVED = BANDS_MOVED.replace("score_band", "grade").replace("band_", "grade_")
SEGMENTS_MOVED = """
with
    people as (
        select people.person_id, tiers.tier, people.department_category as department, scores.standing
        from before.identity.dim_people as people
        inner join before.scoring.fct_lead_scores as scores on people.person_id = scores.person_id
        left join before.lifecycle.fct_tier_history as tiers
            on people.person_id = tiers.person_id and tiers.valid_to is null
        where not people.is_internal
    ),
    segments as (
        select person_id, 'tier' as segment_kind, tier as segment from people
        union all
        select person_id, 'department', coalesce(department, 'unknown') from people
        union all
        select person_id, 'standing', standing from people
    )
select
    segments.segment_kind,
    segments.segment,
    count(*) as people,
    count(*) filter (where before.score_band = 'hot') as hot_before,
    count(*) filter (where after.score_band = 'hot') as hot_after,
    count(*) filter (where after.total_score > before.total_score) as higher,
    count(*) filter (where after.total_score < before.total_score) as lower
from segments
inner join before.scoring.fct_lead_scores as before on segments.person_id = before.person_id
inner join after.scoring.fct_lead_scores as after on segments.person_id = after.person_id
group by all
order by segment_kind, people desc, segment
"""
PEOPLE_MOVED = """
select
    people.display_name, people.company_name, before.person_id,
    before.total_score as score_before, after.total_score as score_after,
    before.score_band as band_before, after.score_band as band_after
from before.scoring.fct_lead_scores as before
inner join after.scoring.fct_lead_scores as after on before.person_id = after.person_id
inner join before.identity.dim_people as people on before.person_id = people.person_id
where before.score_band <> after.score_band and not people.is_internal
order by abs(after.total_score - before.total_score) desc, before.person_id
limit ?
"""
ROUTES_MOVED = """
select before.owner_unit_id as unit_before, after.owner_unit_id as unit_after, count(*) as leads
from before.routing.fct_lead_routes as before
full join after.routing.fct_lead_routes as after on before.person_id = after.person_id
where before.owner_unit_id is distinct from after.owner_unit_id
group by all
order by leads desc, unit_before, unit_after
"""
# What identity and machine rules change, over the last 24 months.
FIGURES = """
with recent as (
    select * from {database}.behaviour.fct_touches
    where occurred_at >= (select max(as_of) from {database}.scoring.fct_lead_scores) - interval 24 month
)
select 'people' as figure, count(*) as value from {database}.identity.dim_people
union all
select 'links', count(*) from {database}.identity.identity_links
union all
select 'refused_links', count(*) from {database}.identity.identity_refusals
union all
select 'deeds_of_known_people', count(*) from recent where person_id is not null and not is_machine
union all
select 'deeds_of_machines', count(*) from recent where is_machine
union all
select 'deeds_of_unknown_people', count(*) from recent where person_id is null and not is_machine
union all
select 'routed_leads', count(*) from {database}.routing.fct_lead_routes
"""
# Scores of each month of the last 24 that has had `horizon` days since, against the opportunities of these.
# Each person's rank is compared within the month only: the mean of the months, weighted by their pairs.
JUDGED = """
with
    clock as (select max(as_of) as today from {database}.scoring.fct_lead_scores),
    days as (
        select distinct days.scored_on
        from {database}.scoring.int_score_days as days, clock
        where days.day_use = 'month' and days.scored_on + $horizon <= clock.today
    ),
    milestones as (
        select
            person_id,
            touch_type = 'order_placed' as is_order,
            cast((occurred_at at time zone 'UTC') at time zone $zone as date) as reached_on
        from {database}.behaviour.fct_touches
        where touch_type in ('opportunity_created', 'order_placed') and person_id is not null
    ),
    scores as (
        select
            history.person_id,
            history.scored_on,
            history.total_score as score,
            coalesce(bool_or(
                not milestones.is_order
                and milestones.reached_on > history.scored_on
                and milestones.reached_on <= history.scored_on + $horizon
            ), false) as is_hit,
            coalesce(bool_or(
                milestones.is_order and milestones.reached_on > history.scored_on
            ), false) as buys
        from {database}.scoring.fct_score_history as history
        inner join days on history.scored_on = days.scored_on
        inner join {database}.identity.dim_people as people
            on history.person_id = people.person_id and not people.is_internal
        left join milestones on history.person_id = milestones.person_id
        group by all
        having not coalesce(bool_or(milestones.reached_on <= history.scored_on), false)
    ),
    ranked as (
        select
            *,
            -- mean of the ranks that tied scores share (Mann and Whitney 1947)
            rank() over (partition by scored_on order by score)
            + (count(*) over (partition by scored_on, score) - 1) / 2.0 as mean_rank,
            row_number() over (partition by scored_on order by score desc, md5(person_id)) as place,
            count(*) over (partition by scored_on) as people
        from scores
    ),
    judged as (
        select
            count(*) as people,
            count(*) filter (where is_hit) as hits,
            sum(mean_rank) filter (where is_hit) - hits * (hits + 1) / 2.0 as pairs_right,
            cast(hits as double) * (count(*) - hits) as pairs,
            count(*) filter (where is_hit and place <= people / 10.0) as hits_in_top_tenth,
            count(*) filter (where buys) as buyers,
            count(*) filter (where buys and place <= people / 10.0) as buyers_in_top_tenth
        from ranked
        group by scored_on
    )
select
    count(*) as months,
    coalesce(sum(people), 0) as people,
    coalesce(sum(hits), 0) as hits,
    sum(pairs_right) / nullif(sum(pairs), 0) as auc,
    sum(hits_in_top_tenth) / nullif(sum(hits), 0) as found_in_top_tenth,
    coalesce(sum(buyers), 0) as buyers,
    coalesce(sum(buyers_in_top_tenth), 0) as buyers_in_top_tenth
from judged
"""


@dataclass(frozen=True)
class Judgement:
    """One rule set held against what came later. `people` counts person and month; shares are fractions,
    None where nothing can be divided."""

    months: int
    people: int
    hits: int
    auc: float | None
    found_in_top_tenth: float | None
    buyers: int
    buyers_in_top_tenth: int


@dataclass(frozen=True)
class WhatIf:
    """What changed rules would change today, and how both rule sets did in the past months."""

    changed: tuple[str, ...]
    as_of: str
    bands: tuple[dict[str, Any], ...]
    grades: tuple[dict[str, Any], ...]
    segments: tuple[dict[str, Any], ...]
    people: tuple[dict[str, Any], ...]
    routes: tuple[dict[str, Any], ...]
    units: tuple[UnitLoad, ...]
    figures: tuple[dict[str, Any], ...]
    kpis: tuple[dict[str, Any], ...]
    horizon_days: int
    before: Judgement
    after: Judgement
    models_built: int
    seconds: float

    @property
    def verdict(self) -> str:
        """better, same or worse by AUC; too_few where the past cannot judge."""
        aucs = self.before.auc, self.after.auc
        if min(self.before.hits, self.after.hits) < FEWEST_OUTCOMES or None in aucs:
            return "too_few"
        gain = self.after.auc - self.before.auc
        return "worse" if gain < -TOLERANCE else "better" if gain > TOLERANCE else "same"

    def as_data(self) -> dict[str, Any]:
        """The report as plain values for JSON."""
        return {**asdict(self), "verdict": self.verdict}


def what_if(home: Home, rules: Path, *, horizon_days: int = 90, shown: int = 20, say: Say = print) -> WhatIf:
    """Try changed rules on the home's marts and on its past.

    Args:
        rules: folder with changed rule CSVs, named as in dbt_project/models.
        horizon_days: each past month's scores are held against the opportunities of so many days after it.
        shown: the most people that are named in the report.

    Raises:
        Trouble: nothing is built yet, a file is no rule file, or the changed rules break a model or test.
    """
    built = state.read(home.run_state).built
    if built is None:
        raise Trouble("there are no marts to compare with yet: run `ikusei run` first")
    changed, begun = changed_rules(rules), time.monotonic()
    times = Clocks(built.as_of, built.known_at, built.zone)
    with _bench(home) as bench:
        with run_lock(home.lock, "ikusei what-if", wait=True):
            after = _copied(home.warehouse, bench / "tried")
        say(f"building what depends on {', '.join(file.name for file in changed)}")
        report = transform.build(
            after,
            home.dbt_target,
            as_of=times.as_of,
            known_at=times.known_at,
            zone=times.zone,
            full_refresh=True,
            select=_depending(changed),
            rules=laid_out(changed, bench / "rules"),
        )
        say("comparing")
        with _both(home.warehouse, after) as connection:
            compared = _compared(connection, times.zone, horizon_days, shown)
        return WhatIf(
            changed=tuple(file.name for file in changed),
            as_of=times.as_of,
            horizon_days=horizon_days,
            models_built=report.count("model"),
            seconds=round(time.monotonic() - begun, 1),
            **compared,
        )


def changed_rules(rules: Path) -> list[Path]:
    """The CSVs of a folder that differ from the rules in force.

    Raises:
        Trouble: the folder is not there, a file is no rule file or has other columns, or nothing differs.
    """
    if not rules.is_dir():
        raise Trouble(f"{rules} is not a folder: copy the rule CSV you want to change into one and name it")
    in_force = {path.name: path for path in (PROJECT / "models").rglob("*.csv")}
    changed = []
    for file in sorted(rules.glob("*.csv")):
        if file.name not in in_force:
            raise Trouble(f"{file} is no rule file: the rule files are {', '.join(sorted(in_force))}")
        _check_columns(file, in_force[file.name])
        if file.read_bytes() != in_force[file.name].read_bytes():
            changed.append(file)
    if not changed:
        raise Trouble(f"no CSV in {rules} differs from the rules in force: change a line and try again")
    return changed


def _depending(changed: list[Path]) -> list[str]:
    """dbt selectors of the changed seeds and all that lies between them and what is compared."""
    names = [file.stem for file in changed]
    return [*names, *(f"{name}+,+{mart}" for name in names for mart in COMPARED)]


@contextmanager
def _bench(home: Home) -> Iterator[Path]:
    """A folder beside the warehouse for the build, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=".what-if-", dir=home.prepare().root))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def laid_out(changed: list[Path], folder: Path) -> Path:
    """The changed rules in a folder laid out as the project."""
    for file in changed:
        (place,) = (PROJECT / "models").rglob(file.name)
        there = folder / place.relative_to(PROJECT)
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, there)
    return folder


def _check_columns(file: Path, in_force: Path) -> None:
    found, wanted = _columns(file), _columns(in_force)
    if found != wanted:
        raise Trouble(f"{file}, line 1: the columns are {','.join(found)}; they must be {','.join(wanted)}")


def _columns(file: Path) -> list[str]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return next(csv.reader(opened), [])


def _copied(database: Path, folder: Path) -> Path:
    """A copy under the same file name, because views name their catalog, which is named after the file."""
    folder.mkdir(parents=True)
    return Path(shutil.copyfile(database, folder / database.name))


@contextmanager
def _both(before: Path, after: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Both warehouses side by side; only their tables are read, since a view names its own catalog."""
    with duckdb.connect() as connection:
        for name, file in (("before", before), ("after", after)):
            path = str(file).replace("'", "''")
            connection.execute(f"attach '{path}' as {name} (read_only)")
        yield connection


def _compared(
    connection: duckdb.DuckDBPyConnection, zone: str, horizon_days: int, shown: int
) -> dict[str, Any]:
    before, after = (_rows(connection, FIGURES.format(database=name)) for name in ("before", "after"))
    return {
        "bands": _rows(connection, BANDS_MOVED),
        "grades": _rows(connection, GRADES_MOVED),
        "segments": _rows(connection, SEGMENTS_MOVED),
        "people": _rows(connection, PEOPLE_MOVED, [shown]),
        "routes": _rows(connection, ROUTES_MOVED),
        "units": unit_loads(connection, zone),
        "figures": tuple(
            {"figure": old["figure"], "before": old["value"], "after": new["value"]}
            for old, new in zip(before, after, strict=True)
        ),
        "kpis": kpis_moved(connection),
        "before": judge(connection, "before", zone, horizon_days),
        "after": judge(connection, "after", zone, horizon_days),
    }


def judge(
    connection: duckdb.DuckDBPyConnection, database: str, zone: str, horizon_days: int = 90
) -> Judgement:
    """The scores of the past months in one attached warehouse, held against what came after them."""
    values = {"horizon": horizon_days, "zone": zone}
    return Judgement(**_rows(connection, JUDGED.format(database=database), values)[0])


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, values: Any = None) -> tuple[dict[str, Any], ...]:
    found = connection.execute(sql, values)
    names = [column[0] for column in found.description]
    return tuple(dict(zip(names, row, strict=True)) for row in found.fetchall())
