"""The commands of the whole way: `ikusei run`, `ingest`, `as-of`, `doctor`, `schedule` and `demo`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from orchestration.cli.options import AsOf, KnownAt, Landing, Wait, say
from orchestration.cli.pages import PORT, serve_pages
from orchestration.cli.told import complain, told
from orchestration.cli.world import LAST_DAY
from orchestration.home import REPOSITORY, Home, Settings

app = typer.Typer()


@app.command()
@told
def run(
    landing: Landing = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    force: Annotated[bool, typer.Option("--force", help="Build and publish even if nothing is new.")] = False,
    full_refresh: Annotated[
        bool,
        typer.Option("--full-refresh", help="Build everything from nothing instead of adding what is new."),
    ] = False,
    wait: Wait = False,
) -> int:
    """Go the whole way once: ingest, contracts, build, publish, sync plan.

    Exit code 1 also when all else was done but a whole file could not be read, or rows that break a contract
    are held back (their sentences are printed).
    """
    from orchestration.run import run as go

    report = go(
        Home.from_environment(),
        Settings.from_environment(),
        landing=landing,
        as_of=as_of,
        known_at=known_at,
        force=force,
        full_refresh=full_refresh,
        wait=wait,
        say=say,
    )
    if report.published:
        say(f"published: {report.published} (see it with `ikusei dashboards serve`)")
    if report.held:
        batches = "1 batch is" if len(report.held) == 1 else f"{len(report.held)} batches are"
        complain(f"{batches} held back, see above; all else was done", 1)
    if report.troubles:
        complain(f"{_files(len(report.troubles))} could not be read, see above; all else was done", 1)
    return 1 if report.held or report.troubles else 0


@app.command()
@told
def ingest(
    source: Annotated[
        str | None,
        typer.Argument(
            help="Only this source, the name of its folder: web, forms, lists, ...; or the word status."
        ),
    ] = None,
    landing: Landing = None,
    retry_rejects: Annotated[
        bool,
        typer.Option("--retry-rejects", help="Read files with rejected lines again, as after a mend."),
    ] = False,
    wait: Wait = False,
) -> int:
    """Load what is new in the landing folder into the raw tables, and nothing else.

    `ikusei ingest status` loads nothing: it shows files, rows, rejects and the newest event of each source.
    """
    if source == "status":
        return _ingest_status()
    from orchestration.ingest import ingest as load
    from orchestration.lock import run_lock
    from orchestration.run import Progress, ingest_figures

    home, settings = Home.from_environment().prepare(), Settings.from_environment()
    progress = Progress(say)
    with run_lock(home.lock, "ikusei ingest", wait=wait), progress.stage("ingest") as figures:
        report = load(
            home,
            landing=landing,
            sources=[source] if source else None,
            zone=settings.zone,
            retry_rejects=retry_rejects,
            on_progress=progress.inner,
        )
        figures += ingest_figures(report)
    for trouble in report.troubles:
        complain(f"could not be read: {trouble}", 1)
    return 1 if report.troubles else 0


def _ingest_status() -> int:
    from datetime import UTC, datetime

    from ingestion import outdated, status
    from orchestration.checks import held_now
    from orchestration.checks import sentence as sentence_on_held

    found, now = status(Home.from_environment().warehouse), datetime.now(UTC).replace(tzinfo=None)
    for line in [one.line(now) for one in found] or ["nothing has come in yet: put files into landing/"]:
        say(line)
    home = Home.from_environment()
    for line in outdated(home.warehouse, home.landing):
        say(line)
    for hold in held_now(home.warehouse):
        say(f"held back: {sentence_on_held(hold)}")
    return 0


@app.command("as-of")
@told
def as_of_command(
    day: Annotated[str, typer.Argument(metavar="DATE", help="The day whose end the marts stand for.")],
    known_at: KnownAt = None,
    wait: Wait = False,
) -> int:
    """Build every mart as of an earlier day into a file of its own; warehouse and pages stay as they are."""
    from orchestration.as_of import build_as_of
    from orchestration.run import Clocks

    times = Clocks.read(Settings.from_environment(), day, known_at)
    file = build_as_of(Home.from_environment(), times, wait=wait, say=say)
    say(f"the marts as of {times.as_of} are in {file}")
    return 0


@app.command()
@told
def doctor() -> int:
    """Look at versions, home, disk, lock, last run and intake; each line says what to do if need be."""
    from orchestration.doctor import examine

    findings = []
    for finding in examine(Home.from_environment()):
        findings.append(finding)
        say(str(finding))
    return 0 if all(finding.is_well for finding in findings) else 1


@app.command()
@told
def schedule(
    port: Annotated[
        int, typer.Option(help="Dagster's pages listen on this port, or the next free one.")
    ] = 3070,
) -> int:
    """Keep running: Dagster with its pages, the daily schedule, and the sensor that runs when files land."""
    import subprocess

    from orchestration.demo import HOST, free_port
    from orchestration.schedules import prepare_dagster

    home, port = Home.from_environment().prepare(), free_port(port)
    environment = os.environ | {"DAGSTER_HOME": str(prepare_dagster(home)), "IKUSEI_HOME": str(home.root)}
    words = ["-m", "dagster", "dev", "-w", str(REPOSITORY / "workspace.yaml"), "-h", HOST, "-p", str(port)]
    say(f"Dagster is at http://{HOST}:{port} (stop with Ctrl-C)")
    return subprocess.run([sys.executable, *words], env=environment, cwd=REPOSITORY, check=False).returncode


@app.command()
@told
def demo(
    people: Annotated[int, typer.Option(min=1, help="How many people the invented company meets.")] = 2000,
    days: Annotated[int, typer.Option(min=1, help="How many days the story lasts.")] = 400,
    seed: Annotated[int, typer.Option(help="Another seed, another company.")] = 7,
    until: Annotated[str, typer.Option(metavar="DATE", help="The last day of the story.")] = LAST_DAY,
    port: Annotated[int, typer.Option(help="Serve on this port, or the next one that is free.")] = PORT,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the pages at the end.")] = True,
) -> int:
    """Invent a company, run the whole way over it, serve the pages and say three things to try.

    It lives in a home of its own (data/demo, unless IKUSEI_HOME says otherwise) and keeps it for next time.
    """
    from orchestration.demo import HOST, World, default_home, free_port, prepare, try_this
    from orchestration.demo_sending import sent

    home = default_home(REPOSITORY)
    prepare(home, Settings.from_environment(), World(people, days, seed, until), say=say)
    port = free_port(port)
    with sent(home, Settings.from_environment().zone, say=say) as where:
        for line in (where, *try_this(home, f"http://{HOST}:{port}")):
            say(line)
        return serve_pages(home, HOST, port) if serve else 0


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"
