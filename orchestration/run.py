"""Run: the whole way once, in one process: ingest, contracts, dbt build, publish, sync plan.

Each step is a function that also stands behind a Dagster asset. What a step must know of an earlier run is in
the home's `run_state.json`, written only after a step succeeded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from orchestration import activate, checks, clocks, ingest, state, transform
from orchestration import publish as publication
from orchestration.home import PROJECT, Home, Settings
from orchestration.lock import run_lock
from orchestration.state import Built
from orchestration.trouble import Trouble

Say = Callable[[str], None]


@dataclass(frozen=True)
class Clocks:
    """as_of: day 'YYYY-MM-DD' in the zone; known_at: instant in UTC as text."""

    as_of: str
    known_at: str
    zone: str

    @classmethod
    def read(cls, settings: Settings, as_of: str | None = None, known_at: str | None = None) -> Clocks:
        """From the command line's words, with today and everything as defaults."""
        zone = settings.zone
        return cls(clocks.as_of_day(as_of, zone), clocks.known_at_instant(known_at, zone), zone)


@dataclass
class RunReport:
    """What one run did. `troubles` are whole files that could not be read, `held` batches that broke a
    contract, as sentences; everything else was done."""

    rows_loaded: int = 0
    troubles: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    built: Built | None = None
    was_built: bool = False
    published: Path | None = None
    plan: Any = None


class Progress:
    """Lines for a person: each stage with its seconds and key figures."""

    def __init__(self, say: Say) -> None:
        self.say = say

    @contextmanager
    def stage(self, name: str) -> Iterator[list[str]]:
        """Time the body; the figures it puts into the list are said with the stage's line."""
        figures: list[str] = []
        began = time.monotonic()
        yield figures
        self.say(f"{name:<10} {time.monotonic() - began:6.1f} s  {', '.join(figures)}")

    def inner(self, line: str) -> None:
        self.say(f"{'':<10}   ...    {line}")


def run(
    home: Home,
    settings: Settings,
    *,
    landing: Path | str | None = None,
    as_of: str | None = None,
    known_at: str | None = None,
    force: bool = False,
    full_refresh: bool = False,
    wait: bool = False,
    say: Say = print,
) -> RunReport:
    """Go the whole way, under the home's lock.

    Args:
        landing: read files here instead of the home's landing folder.
        as_of, known_at: the clocks of the marts, as typed.
        force: build and publish even if nothing changed.
        full_refresh: build incremental models from nothing.
        wait: stand in line when another run holds the home.

    Raises:
        Trouble: a step failed; what was public stays public.
    """
    times = Clocks.read(settings, as_of, known_at)
    progress, report = Progress(say), RunReport()
    with run_lock(home.prepare().lock, "ikusei run", wait=wait):
        _ingest(home, times, landing, progress, report)
        _judge(home, times, progress, report)
        if is_due(home, times) or force or full_refresh:
            _build(home, times, full_refresh, progress, report)
        if report.was_built or not is_published(home) or _is_held_otherwise(home):
            _publish(home, progress, report)
        else:
            built = state.read(home.run_state).built
            say(f"nothing new: as of {built.as_of}, the marts of run {built.run_id} stand (--force builds)")
        _plan(home, times, progress, report)
    report.built = state.read(home.run_state).built
    return report


def is_due(home: Home, times: Clocks) -> bool:
    """Whether a build would start from other rows, clocks or rules than the last good one."""
    last = state.read(home.run_state).built
    return home.unfinished_build.exists() or last is None or replace(last, run_id="") != _wanted(home, times)


def is_published(home: Home) -> bool:
    """Whether the last good build is the public one."""
    kept = state.read(home.run_state)
    return bool(kept.built and kept.built.run_id == kept.published_run_id and home.published.exists())


def _is_held_otherwise(home: Home) -> bool:
    """Whether other batches are held than the public pages tell of; the marts may be the same."""
    now = {hold.batch.hold_id for hold in checks.held_now(home.warehouse)}
    return now != publication.held_shown(home)


def needs_full_refresh(home: Home, times: Clocks) -> bool:
    """Incremental models can add what is new; they cannot take back or judge anew what they hold."""
    last = state.read(home.run_state).built
    if last is None or home.unfinished_build.exists():
        return True
    wanted = _wanted(home, times)
    return (
        (wanted.rules_digest, wanted.zone) != (last.rules_digest, last.zone)
        or wanted.as_of < last.as_of
        or wanted.known_at < last.known_at
        or (wanted.loaded_through or "") < (last.loaded_through or "")  # another warehouse than the last one
        or wanted.taken_back_through != last.taken_back_through  # rows are gone that they may hold
    )


def build(
    home: Home, times: Clocks, *, full_refresh: bool = False, say: Say | None = None
) -> tuple[Built, transform.BuildReport]:
    """Build the marts from rows that passed their contracts, and record the build.

    Raises:
        Trouble: a model or test failed.
    """
    from orchestration.activation import publish_ledger

    judge(home, times)
    wanted = replace(_wanted(home, times), run_id=clocks.new_run_id())
    full = full_refresh or needs_full_refresh(home, times)
    home.unfinished_build.write_text(wanted.run_id)
    publish_ledger(home.ledger, home.warehouse)  # dbt's tests hold what was sent to its laws
    report = transform.build(
        home.warehouse,
        home.dbt_target,
        as_of=times.as_of,
        known_at=times.known_at,
        zone=times.zone,
        full_refresh=full,
        on_progress=say,
    )
    state.write(home.run_state, replace(state.read(home.run_state), built=wanted))
    home.unfinished_build.unlink()
    return wanted, report


def build_some(home: Home, times: Clocks, models: list[str]) -> transform.BuildReport:
    """Build a few models to look at them. The next run builds all anew, so nothing half-built is published.

    Raises:
        Trouble: a model or test failed.
    """
    home.unfinished_build.write_text("some models only")
    return transform.build(
        home.warehouse,
        home.dbt_target,
        as_of=times.as_of,
        known_at=times.known_at,
        zone=times.zone,
        full_refresh=False,
        select=models,
    )


def last_as_of(home: Home) -> str | None:
    """The as-of day of the last good build."""
    built = state.read(home.run_state).built
    return built.as_of if built else None


def judge(home: Home, times: Clocks, tables: list[str] | None = None) -> list[checks.TableVerdict]:
    """Judge the raw rows that no run has judged yet; what breaks a contract is held."""
    return checks.judge_new_rows(home.warehouse, home.contract_marks, known_at=times.known_at, tables=tables)


def publish(home: Home, say: Say | None = None) -> Path:
    """Show the last good build, and record that it is shown."""
    kept = state.read(home.run_state)
    if kept.built is None or home.unfinished_build.exists():
        raise Trouble("there is no whole build to publish: run `ikusei run`, which builds all models")
    manifest = transform.manifest(home.warehouse, home.dbt_target)
    file = publication.publish(home, kept.built, manifest, on_progress=say)
    state.write(home.run_state, replace(kept, published_run_id=kept.built.run_id))
    return file


def _wanted(home: Home, times: Clocks) -> Built:
    return Built(
        run_id="",
        as_of=times.as_of,
        known_at=times.known_at,
        zone=times.zone,
        rules_digest=state.rules_digest(PROJECT),
        loaded_through=ingest.loaded_through(home.warehouse),
        taken_back_through=ingest.taken_back_through(home.warehouse),
    )


def _ingest(
    home: Home, times: Clocks, landing: Path | str | None, progress: Progress, report: RunReport
) -> None:
    with progress.stage("ingest") as figures:
        loaded = ingest.ingest(home, landing=landing, zone=times.zone, on_progress=progress.inner)
        figures += ingest_figures(loaded)
    report.rows_loaded = loaded.rows_loaded
    report.troubles += loaded.troubles
    for trouble in loaded.troubles:
        progress.say(f"could not be read: {trouble}")


def ingest_figures(loaded: Any) -> list[str]:
    """The key figures of an ingestion, for a line."""
    return [
        f"{loaded.rows_loaded:,} rows loaded",
        f"{loaded.rows_duplicate:,} duplicate",
        f"{loaded.rows_rejected:,} rejected",
        f"{len(loaded.files):,} files looked at",
    ]


def _judge(home: Home, times: Clocks, progress: Progress, report: RunReport) -> None:
    with progress.stage("contracts") as figures:
        verdicts = judge(home, times)
        rows = sum(verdict.rows for verdict in verdicts)
        figures.append(f"{rows:,} new rows judged in {len(verdicts)} tables" if rows else "no new rows")
        released = sum(len(verdict.released) for verdict in verdicts)
        figures += [f"{released} held batches let in"] if released else []
    report.held = [checks.sentence(hold) for hold in checks.held_now(home.warehouse)]
    for line in report.held:
        progress.say(f"held back: {line}")


def _build(home: Home, times: Clocks, full: bool, progress: Progress, report: RunReport) -> None:
    with progress.stage("build") as figures:
        report.built, built = build(home, times, full_refresh=full, say=progress.inner)
        figures.append(f"{built.count('model')} models, {built.count('seed')} rule tables")
        figures.append(f"{built.count('test')} tests passed, as of {times.as_of}")
    for warning in built.warnings:
        progress.say(f"warning: {warning}")
    report.was_built = True


def _say_ripples(former: Path | None, now: Path, say: Say) -> None:
    """After somebody decided on links: what that changed, against the publication before."""
    from orchestration import links

    if former is None or not former.exists():
        return
    decided = links.decisions_landed(now, former)
    if decided:
        say(f"{decided} decisions on links were read; against the publication before:")
        for ripple in links.ripples(former, now):
            say(ripple.line())


def _publish(home: Home, progress: Progress, report: RunReport) -> None:
    with progress.stage("publish") as figures:
        former = home.published.resolve() if home.published.exists() else None
        report.published = publish(home, progress.inner)
        figures.append(f"{report.published.name} is public")
    _say_ripples(former, report.published, progress.say)


def _plan(home: Home, times: Clocks, progress: Progress, report: RunReport) -> None:
    with progress.stage("sync plan") as figures:
        report.plan = activate.plan(home, as_of=times.as_of)
        figures += activate.plan_figures(report.plan)
