"""What if: from changed rule CSVs to who would cross a threshold, and whether they would have found orders.

    the warehouse -> a copy -> only what depends on the changed rules is built anew -> both compared
    raw rows up to a past day -> scores of that day under both rule sets -> held against what came later

Nothing of the home changes: both builds lie in a folder that is thrown away.
"""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from orchestration import as_of, state, transform
from orchestration.home import PROJECT, Home
from orchestration.lock import run_lock
from orchestration.run import Clocks
from orchestration.trouble import Trouble

Say = Callable[[str], None]
FEWEST_OUTCOMES = 20  # below it a rate says more about chance than about rules

BANDS_MOVED = """
select before.score_band as band_before, after.score_band as band_after, count(*) as people
from {before}.scoring.fct_lead_scores as before
inner join {after}.scoring.fct_lead_scores as after on before.person_id = after.person_id
where before.score_band <> after.score_band
group by all
order by people desc, band_before, band_after
"""
PEOPLE_MOVED = """
select
    people.display_name, people.company_name, before.person_id,
    before.total_score as score_before, after.total_score as score_after,
    before.score_band as band_before, after.score_band as band_after
from {before}.scoring.fct_lead_scores as before
inner join {after}.scoring.fct_lead_scores as after on before.person_id = after.person_id
inner join {before}.identity.dim_people as people on before.person_id = people.person_id
where before.score_band <> after.score_band and not people.is_internal
order by abs(after.total_score - before.total_score) desc, before.person_id
limit ?
"""
ROUTES_MOVED = """
select before.owner_unit_id as unit_before, after.owner_unit_id as unit_after, count(*) as leads
from {before}.routing.fct_lead_routes as before
full join {after}.routing.fct_lead_routes as after on before.person_id = after.person_id
where before.owner_unit_id is distinct from after.owner_unit_id
group by all
order by leads desc, unit_before, unit_after
"""
# People of the past day are found again today by any identifier, because a person_id may have changed since.
OUTCOMES = """
create temp table outcomes as
with
    deals as (
        select person_id, false as is_order
        from today.funnel.fct_opportunities
        where created_at >= $begins and created_at < $ends
        union all
        select person_id, true as is_order
        from today.funnel.fct_orders
        where ordered_at >= $begins and ordered_at < $ends
    )
select then_known.person_id, bool_or(deals.is_order) as has_ordered
from deals
inner join today.identity.person_identifiers as now_known on deals.person_id = now_known.person_id
inner join past_before.identity.person_identifiers as then_known
    on now_known.identifier = then_known.identifier
group by then_known.person_id
"""
JUDGED = """
with
    scores as (
        select
            scores.person_id,
            scores.total_score,
            scores.score_band,
            outcomes.person_id is not null as is_hit,
            coalesce(outcomes.has_ordered, false) as has_ordered
        from {database}.scoring.fct_lead_scores as scores
        inner join {database}.identity.dim_people as people on scores.person_id = people.person_id
        left join outcomes on scores.person_id = outcomes.person_id
        where
            not people.is_internal
            and not exists (
                select 1
                from {database}.behaviour.fct_touches as touches
                where touches.person_id = scores.person_id and touches.touch_type = 'opportunity_created'
            )
    ),
    ranked as (
        select
            *,
            -- mean of the ranks that tied scores share (Mann and Whitney 1947)
            rank() over (order by total_score)
            + (count(*) over (partition by total_score) - 1) / 2.0 as mean_rank,
            row_number() over (order by total_score desc, person_id) as place,
            count(*) over () as people
        from scores
    )
select
    count(*) as people,
    count(*) filter (where is_hit) as hits,
    (sum(mean_rank) filter (where is_hit) - hits * (hits + 1) / 2.0)
    / nullif(hits * (count(*) - hits), 0) as auc,
    (count(*) filter (where is_hit and place <= people / 10.0)) / nullif(hits, 0) as found_in_top_tenth,
    count(*) filter (where score_band = 'hot') as hot,
    count(*) filter (where score_band = 'hot' and is_hit) as hot_hits,
    count(*) filter (where has_ordered) as buyers,
    count(*) filter (where score_band = 'hot' and has_ordered) as hot_buyers
from ranked
"""


@dataclass(frozen=True)
class Judgement:
    """One rule set held against what came later. Shares are fractions; None where nothing can be divided."""

    people: int
    hits: int
    auc: float | None
    found_in_top_tenth: float | None
    hot: int
    hot_hits: int
    buyers: int
    hot_buyers: int


@dataclass(frozen=True)
class WhatIf:
    """What changed rules would change today, and how both rule sets of the day `cut` did since."""

    changed: tuple[str, ...]
    as_of: str
    bands: tuple[dict[str, Any], ...]
    people: tuple[dict[str, Any], ...]
    routes: tuple[dict[str, Any], ...]
    cut: str
    horizon_days: int
    before: Judgement
    after: Judgement

    def as_data(self) -> dict[str, Any]:
        """The report as plain values for JSON."""
        return asdict(self)


def what_if(home: Home, rules: Path, *, horizon_days: int = 180, shown: int = 20, say: Say = print) -> WhatIf:
    """Try changed rules on the home's marts and on its past.

    Args:
        rules: folder with changed rule CSVs, named as in dbt_project/models.
        horizon_days: the back-test stands this many days in the past and looks at the days since.
        shown: the most people that are named in the report.

    Raises:
        Trouble: nothing is built yet, a file is no rule file, or the changed rules break a model or test.
    """
    built = state.read(home.run_state).built
    if built is None:
        raise Trouble("there are no marts to compare with yet: run `ikusei run` first")
    changed = changed_rules(rules)
    times = Clocks(built.as_of, built.known_at, built.zone)
    cut = date.fromisoformat(built.as_of) - timedelta(days=horizon_days)
    with _bench(home) as bench:
        project = project_with(changed, bench / "project")
        selected = [f"{file.stem}+" for file in changed]
        with run_lock(home.lock, "ikusei what-if", wait=True):
            after = _copied(home.warehouse, bench / "today")
            raw = as_of.copy_raw(home.warehouse, bench / "past" / home.warehouse.name)
        say(f"building what depends on {', '.join(file.name for file in changed)}")
        transform.build(after, bench / "target", **_how(times), select=selected, project=project)
        say(f"building the scores of {cut}, under both rule sets")
        past = Clocks(cut.isoformat(), built.known_at, built.zone)
        transform.build(raw, home.dbt_target, **_how(past), select=["+fct_lead_scores"])
        tried = _copied(raw, bench / "past_tried")
        scoring = [f"{name},+fct_lead_scores" for name in selected]
        transform.build(tried, bench / "target", **_how(past), select=scoring, project=project)
        return _compared(home, after, raw, tried, changed, times, cut, horizon_days, shown)


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


def as_lines(report: WhatIf) -> list[str]:
    """The report as text for a terminal."""
    lines = [f"if {', '.join(report.changed)} were in force, as of {report.as_of}:"]
    moved = sum(row["people"] for row in report.bands)
    lines += [f"  {moved} people would cross a threshold" + (":" if moved else "")]
    lines += [f"    {row['people']:>5}  {row['band_before']} -> {row['band_after']}" for row in report.bands]
    lines += [
        f"    {row['display_name']} ({row['company_name'] or 'company unknown'}): {row['score_before']:.2f} "
        f"{row['band_before']} -> {row['score_after']:.2f} {row['band_after']}"
        for row in report.people
    ]
    rerouted = sum(row["leads"] for row in report.routes)
    lines += [f"  {rerouted} leads would have another owner" + (":" if rerouted else "")]
    lines += [
        f"    {row['leads']:>5}  {row['unit_before'] or 'nobody'} -> {row['unit_after'] or 'nobody'}"
        for row in report.routes
    ]
    return lines + _back_test_lines(report)


def _back_test_lines(report: WhatIf) -> list[str]:
    since = f"the opportunities of the {report.horizon_days} days since"
    head, hits = f"  back-test: the scores of {report.cut} against {since}", report.before.hits
    if hits < FEWEST_OUTCOMES:
        return [head, f"    too few to judge (件数不足): {hits} opportunities, {FEWEST_OUTCOMES} are needed"]
    lines = [head, f"    {report.before.people} people without an opportunity then, {hits} got one"]
    lines.append("    rules in force  " + _judgement_line(report.before))
    return [*lines, "    changed rules   " + _judgement_line(report.after)]


def _judgement_line(judged: Judgement) -> str:
    return (
        f"AUC {judged.auc:.3f}; the top tenth held {judged.found_in_top_tenth:.0%} of them; "
        f"hot were {judged.hot}, {judged.hot_hits} of them rightly; "
        f"{judged.hot_buyers} of {judged.buyers} later buyers were hot"
    )


@contextmanager
def _bench(home: Home) -> Iterator[Path]:
    """A folder beside the warehouse for the two builds, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=".what-if-", dir=home.prepare().root))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def project_with(changed: list[Path], project: Path) -> Path:
    """A copy of the dbt project with the changed rules in their places."""
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns(*state.NOT_RULES))
    for file in changed:
        (place,) = (project / "models").rglob(file.name)
        shutil.copyfile(file, place)
    return project


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


def _how(times: Clocks) -> dict[str, Any]:
    return {"as_of": times.as_of, "known_at": times.known_at, "zone": times.zone, "full_refresh": True}


def _compared(
    home: Home,
    after: Path,
    past_before: Path,
    past_after: Path,
    changed: list[Path],
    times: Clocks,
    cut: date,
    horizon_days: int,
    shown: int,
) -> WhatIf:
    names = {"before": "today", "after": "tried"}
    with duckdb.connect() as connection:
        for name, file in (("tried", after), ("past_before", past_before), ("past_after", past_after)):
            connection.execute(f"attach '{_quoted(file)}' as {name} (read_only)")
        connection.execute(f"attach '{_quoted(home.warehouse)}' as today (read_only)")
        judged = _judged(connection, times, cut)
        return WhatIf(
            changed=tuple(file.name for file in changed),
            as_of=times.as_of,
            bands=_rows(connection, BANDS_MOVED.format(**names)),
            people=_rows(connection, PEOPLE_MOVED.format(**names), shown),
            routes=_rows(connection, ROUTES_MOVED.format(**names)),
            cut=cut.isoformat(),
            horizon_days=horizon_days,
            before=judged["past_before"],
            after=judged["past_after"],
        )


def _judged(connection: duckdb.DuckDBPyConnection, times: Clocks, cut: date) -> dict[str, Judgement]:
    """Both rule sets of the past day, held against what came after it."""
    begins, ends = (_end_of(day, times.zone) for day in (cut, date.fromisoformat(times.as_of)))
    connection.execute(OUTCOMES, {"begins": begins, "ends": ends})
    return {
        name: Judgement(**_rows(connection, JUDGED.format(database=name))[0])
        for name in ("past_before", "past_after")
    }


def _end_of(day: date, zone: str) -> datetime:
    """The instant (UTC, naive) at which a day of the zone ends."""
    midnight = datetime.combine(day + timedelta(days=1), time(), tzinfo=ZoneInfo(zone))
    return midnight.astimezone(UTC).replace(tzinfo=None)


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, *values: object) -> tuple[dict[str, Any], ...]:
    found = connection.execute(sql, list(values))
    names = [column[0] for column in found.description]
    return tuple(dict(zip(names, row, strict=True)) for row in found.fetchall())


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
