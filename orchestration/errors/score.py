"""Score: a world in, the whole pipeline over it in a home of its own, and the table of errors out.

<world>/landing  ->  <out>/home  ->  <out>/errors.json, <out>/errors.md, the page of that home
<world>/truth    ------------------^
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path

from orchestration import publish, run
from orchestration.activation.plan import SyncPlan
from orchestration.errors import truth as truths
from orchestration.errors.figures import Figure, judge
from orchestration.errors.kpi_errors import KpiError, judge_kpis, kpi_section, write_kpi_errors
from orchestration.errors.table import COLUMNS, as_json, as_markdown, as_rows
from orchestration.home import Home, Settings
from orchestration.trouble import Trouble

MARK = "home_of_a_world"


def score(world: Path, out: Path, settings: Settings, *, say: Callable[[str], None] = print) -> list[Figure]:
    """Run the pipeline over a world and write its table of errors. Returns the figures, worst first.

    Args:
        world: folder with landing/ and truth/, as `ikusei world make` writes it.
        out: folder for home/, errors.json and errors.md; an earlier home there is replaced.

    Raises:
        Trouble: no truth there, a home that no scoring made, or a step of the pipeline failed.
    """
    as_of = truths.last_day(world / "truth")
    home = _own_home(out)
    report = run.run(home, settings, landing=world / "landing", as_of=as_of, say=say)
    progress = run.Progress(say)
    with progress.stage("errors") as told:
        figures = judge(
            home.warehouse,
            world / "truth",
            as_of=as_of,
            zone=settings.zone,
            planned=rows_planned(report.plan),
        )
        kpis = judge_kpis(home.warehouse, world / "truth", as_of=as_of, zone=settings.zone)
        publish.publish_errors(
            home,
            settings.zone,
            COLUMNS,
            as_rows(figures),
            partial(write_kpi_errors, found=kpis),
        )
        _write(out, figures, kpis, truths.notes(world / "truth")["arguments"])
        readings = [f for f in figures if f.n and not f.is_forecast]
        told.append(f"{sum(bool(f.error) for f in readings)} of {len(readings)} figures are not exact")
        told.append(_of_kpis(kpis))
    return figures


def invent(
    out: Path, *, people: int, days: int, seed: int, until: str, settings: Path | None, say: Callable
) -> Path:
    """Make a world in `out`/world and return that folder."""
    from ingestion.world import make

    world = out / "world"
    last = date.fromisoformat(until)
    made = make(world, people=people, days=days, seed=seed, until=last, settings=settings, on_progress=say)
    say(str(made))
    return world


def rows_planned(plans: Sequence[SyncPlan]) -> list[tuple[str, str]]:
    """(sync, key) of each row that an apply would send."""
    return [
        (plan.sync, step.key)
        for plan in plans
        if not plan.is_blocked
        for step in plan.steps
        if step.op in ("create", "update")
    ]


def _own_home(out: Path) -> Home:
    """An empty home: rows of another world must not linger in it."""
    home = Home(out / "home")
    if home.root.exists() and any(home.root.iterdir()) and not (home.root / MARK).exists():
        raise Trouble(f"{home.root} holds data of your own: name another folder with --out")
    shutil.rmtree(home.root, ignore_errors=True)
    (home.prepare().root / MARK).touch()
    return home


def _of_kpis(kpis: Sequence[KpiError]) -> str:
    known = [one for one in kpis if one.truth is not None]
    exact = sum(one.error_worst == 0 for one in known)
    return f"{exact} of {len(known)} KPIs with a truth are exact in every period"


def _write(out: Path, figures: Sequence[Figure], kpis: Sequence[KpiError], arguments: dict) -> None:
    (out / "errors.json").write_text(as_json(figures), encoding="utf-8")
    parts = [as_markdown(figures, arguments).rstrip("\n"), *kpi_section(kpis)]
    (out / "errors.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
